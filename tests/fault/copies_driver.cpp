// Copies of outputs in a datastore and of inputs on the node's own disk, for test_copies.py to kill system call by system call.
//   copies_driver deliver FOLDER TEXT RUN   publishes TEXT from FOLDER/store to FOLDER/scratch/x, as the run RUN
//   copies_driver delivered FOLDER          prints what is published there, or "nothing"; fails where it is not whole
//   copies_driver download FOLDER           copies FOLDER/data to FOLDER/local, prints the copy's text and lets it go
#include <unistd.h>

#include <cstdio>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "io/copy_artifact.h"
#include "io/published_mark.h"
#include "io/store.h"
#include "io/tree.h"
#include "runtime/abandoned.h"
#include "runtime/delivery.h"
#include "runtime/staged_inputs.h"

namespace rankflow {
namespace {

/// A call that changes nothing and shows in a trace where the part begins and ends that is to be disturbed.
void mark(const char* name) {
  [[maybe_unused]] const int missing = access(name, F_OK);
}

/// "TEXT" twice, in two files: a mixture of two versions would show.
std::string text_in(const std::string& folder) {
  const std::string text = read_file(folder + "/text");
  if (read_file(folder + "/sub/twice") != text + text)
    throw Error(ExitStatus::bad_data, "a mixture of two versions");
  return text;
}

void deliver(const std::string& folder, const std::string& text, const std::string& run) {
  FileMemory memory("");
  Store store(folder + "/store", memory);
  store.prepare_for_writing();
  RunRecord record(store, run);
  record.json()["status"] = "running";
  claim_run(record);
  record.save(false);
  Staging staging = store.stage();
  make_directories(staging.data() + "/sub");
  write_file_atomically(staging.data() + "/text", text);
  write_file_atomically(staging.data() + "/sub/twice", text + text);
  const std::string digest = store.publish(std::move(staging), {{"run", run}});
  mark("fault:begin");
  deliver_to_folder(store.layout(), {0, "text", "scratch:x", folder + "/scratch/x", digest, run, {}});
  mark("fault:end");
}

std::string delivered(const std::string& folder) {
  const std::string target = folder + "/scratch/x";
  if (!exists(target)) return "nothing";
  const std::string text = text_in(target);
  // What it says of itself is so.
  const std::string digest = read_json(target + "/" + published_mark).at("artifact");
  if (text_in(StoreLayout{folder + "/store"}.artifact_data(digest)) != text)
    throw Error(ExitStatus::bad_data, "it holds another artifact than it says");
  return text;
}

std::string download(const std::string& folder) {
  FileMemory memory("");
  Download wanted;
  wanted.source = folder + "/data";
  wanted.digest = content_digest(wanted.source, memory);
  std::string text;
  mark("fault:begin");
  {
    StagedInputs staged;
    staged.acquire(wanted, {folder + "/local", 0});
    text = text_in(staged.path(wanted));
  }
  mark("fault:end");
  return text;
}

int run(int argc, char** argv) {
  const std::string command = argc > 2 ? argv[1] : "", folder = argc > 2 ? argv[2] : "";
  if (command == "deliver" && argc == 5) {
    deliver(folder, argv[3], argv[4]);
  } else if (command == "delivered" && argc == 3) {
    std::puts(delivered(folder).c_str());
  } else if (command == "download" && argc == 3) {
    std::puts(download(folder).c_str());
  } else {
    throw Error(ExitStatus::usage,
                "copies_driver deliver FOLDER TEXT RUN | delivered FOLDER | download FOLDER");
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
