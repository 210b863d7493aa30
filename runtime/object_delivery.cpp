#include "runtime/object_delivery.h"

#include <fcntl.h>

#include <utility>

#include "base/parallel.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/copy_artifact.h"
#include "io/file.h"
#include "io/published_mark.h"
#include "io/remote_store.h"
#include "runtime/published_objects.h"

namespace rankflow {
namespace {

constexpr int files_at_once = 8;  // servers answer slowly, and several at a time
constexpr std::size_t block = 4 << 20;

Location below(Location place, const char* name) {
  place.url += str("/", name);
  return place;
}

class Publisher {
 public:
  Publisher(const StoreLayout& store, const Delivery& delivery)
      : store_(store),
        delivery_(delivery),
        target_(open_object_store(delivery.location)),
        mark_(open_object_store(below(delivery.location, publishing_mark))) {
    wanted_ = index_of(manifest_of(store, delivery.digest));
    wanted_.artifact = delivery.digest;
    wanted_.output = delivery.output;
  }

  bool publish() {
    look();
    if (found_.holds(wanted_)) {
      // Killed between the last two steps.
      if (found_.publishing && found_.publishing->artifact == wanted_.artifact)
        target_->remove(publishing_mark);
      return false;
    }
    check();
    PublishedIndex publishing = found_.with_ours(wanted_);
    publishing.run = delivery_.run;
    begun_ = encode(publishing);
    put(publishing_mark, begun_);
    if (found_.published) target_->remove(published_mark);
    upload();
    found_.there = target_->sizes();  // also what one that gave way has uploaded meanwhile
    for (const std::string& path : found_.outdated(wanted_)) target_->remove(path);
    check_alone();
    put(published_mark, encode(wanted_));
    target_->remove(publishing_mark);
    return true;
  }

 private:
  void look() {
    found_.there = target_->sizes();
    const auto take = [&](const char* mark, std::optional<PublishedIndex>& index) {
      const auto there = found_.there.find(mark);
      if (there == found_.there.end()) return;
      index = decode_index(get(*target_, mark, there->second));
      if (index) found_.there.erase(there);
    };
    take(published_mark, found_.published);
    take(publishing_mark, found_.publishing);
  }

  void check() const {
    for (const char* mark : {published_mark, publishing_mark}) {
      if (wanted_.files.contains(mark))
        throw Error(ExitStatus::bad_data, str("the output ", wanted_.output, " has a file ", mark,
                                              ", which would say that it is published"));
    }
    const auto foreign = found_.foreign(wanted_);
    if (!foreign) return;
    throw Error(ExitStatus::configuration,
                str(delivery_.path, foreign->empty() ? "" : "/", *foreign,
                    " is there already, and not something that rankflow published"),
                "another path in publish_to, or remove it");
  }

  /// Nobody can be kept from publishing to the same place; the one whose mark was replaced gives way. As it looks before each file,
  /// and the other one reads all back once it has written all, what the index says is so.
  void check_alone() const {
    const auto sizes = mark_->sizes();
    if (!sizes.empty() && get(*mark_, "", sizes.begin()->second) == begun_) return;
    throw Error(ExitStatus::io, str("another run publishes to ", delivery_.path, " at the same time"),
                "the same command again");
  }

  void upload() {
    const std::vector<std::pair<std::string, PublishedIndex::File>> files(wanted_.files.begin(),
                                                                          wanted_.files.end());
    for_each_item(std::ssize(files), files_at_once, [&](std::int64_t i) {
      const auto& [path, file] = files[static_cast<std::size_t>(i)];
      if (found_.may_be(path, file) && digest_there(path, file) == file.sha256) return;
      check_alone();
      put_file(path, file);
    });
    for_each_item(std::ssize(files), files_at_once, [&](std::int64_t i) {
      const auto& [path, file] = files[static_cast<std::size_t>(i)];
      if (digest_there(path, file) != file.sha256) {
        throw Error(ExitStatus::io, str(delivery_.path, "/", path, " has other bytes than were written"),
                    "the same command again");
      }
    });
  }

  /// The checksum is taken of what is sent.
  void put_file(const std::string& path, const PublishedIndex::File& file) {
    File source(str(store_.artifact_data(delivery_.digest), "/", path), O_RDONLY);
    Sha256 hash;
    std::vector<std::byte> bytes(block);
    target_->write(path, [&]() -> std::span<const std::byte> {
      const std::size_t got = source.read_some(bytes.data(), bytes.size());
      hash.update(bytes.data(), got);
      return {bytes.data(), got};
    });
    if (hash.finish() != file.sha256) {
      throw Error(ExitStatus::bad_data, str(source.path(), " is damaged: its checksum is not the manifest's"),
                  "rankflow run with the same pipeline: what is damaged is made again");
    }
  }

  std::string digest_there(const std::string& path, const PublishedIndex::File& file) {
    Sha256 hash;
    const auto size = static_cast<std::int64_t>(file.bytes);
    target_->read({path, size, ""}, {0, size},
                  [&](std::span<const std::byte> bytes) { hash.update(bytes.data(), bytes.size()); });
    return hash.finish();
  }

  static std::string get(RemoteStore& store, const std::string& path, std::int64_t size) {
    std::string text;
    store.read({path, size, ""}, {0, size}, [&](std::span<const std::byte> bytes) {
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    });
    return text;
  }

  void put(const std::string& path, const std::string& text) {
    std::span<const std::byte> left = std::as_bytes(std::span(text));
    target_->write(path, [&] { return std::exchange(left, {}); });
  }

  const StoreLayout& store_;
  const Delivery& delivery_;
  std::unique_ptr<RemoteStore> target_, mark_;
  std::string begun_;  // what the mark says
  PublishedIndex wanted_;
  PublishedObjects found_;
};

}  // namespace

bool deliver_to_object_store(const StoreLayout& store, const Delivery& delivery) {
  return Publisher(store, delivery).publish();
}

}  // namespace rankflow
