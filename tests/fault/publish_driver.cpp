// Publishes or checks one step's output, for test_publish.py to disturb system call by system call.
//   publish_driver now STORE TEXT       publishes TEXT and puts it on record
//   publish_driver later STORE TEXT     the same, brought to disk by one sync at the end
//   publish_driver check STORE          prints the text on record, or "nothing"; fails where the store is not
//   whole
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/store.h"

namespace rankflow {
namespace {

const std::string kFingerprint = sha256("the step under test");

/// A call that changes nothing and shows in a trace where the part begins and ends that is to be disturbed.
void mark(const char* name) {
  [[maybe_unused]] const int missing = access(name, F_OK);
}

void publish(Store& store, const std::string& text, Durability durability) {
  mark("fault:begin");
  store.prepare_for_writing();
  Staging staging = store.stage();
  make_directories(staging.data() + "/sub");
  write_file_atomically(staging.data() + "/text", text);
  write_file_atomically(staging.data() + "/sub/twice", text + text);
  const std::string digest = store.publish(std::move(staging), {{"run", "test"}}, durability);
  store.put_action({kFingerprint, {{"text", digest}}, "test", {}}, durability);
  if (durability == Durability::later) store.sync();
  mark("fault:end");
}

std::string check(Store& store) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store.layout().artifacts())) {
    const std::string name = entry.path().filename();
    if (!is_digest(name)) continue;
    const std::string wrong = store.check_artifact(name, Verify::content);
    if (!wrong.empty()) throw Error(ExitStatus::bad_data, wrong);
  }
  const auto record = store.find_usable(kFingerprint);
  if (!record) return "nothing";
  const std::string data = store.artifact_path(record->outputs.at("text"));
  const std::string text = read_file(data + "/text");
  if (read_file(data + "/sub/twice") != text + text)
    throw Error(ExitStatus::bad_data, "a mixture of two outputs");
  return text;
}

int run(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  const bool publishes = (command == "now" || command == "later") && argc == 4;
  if (!publishes && !(command == "check" && argc == 3)) {
    throw Error(ExitStatus::usage, "publish_driver now STORE TEXT | later STORE TEXT | check STORE");
  }
  FileMemory memory("");
  Store store(argv[2], memory);
  if (publishes) {
    publish(store, argv[3], command == "now" ? Durability::now : Durability::later);
  } else {
    std::puts(check(store).c_str());
  }
  return 0;
}

}  // namespace
}  // namespace rankflow

int main(int argc, char** argv) {
  try {
    return rankflow::run(argc, argv);
  } catch (const std::exception& e) {
    const rankflow::Error error = rankflow::as_error(e);
    rankflow::log::error(rankflow::describe(error));
    return rankflow::code(error.status());
  }
}
