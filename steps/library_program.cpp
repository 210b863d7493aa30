// A library of the user's that makes rows inside the rank, or in a process beside it where a mini-batch has a time-out.
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "steps/child_service.h"
#include "steps/library_rows.h"
#include "steps/mini_batch_bytes.h"

namespace rankflow {
namespace {

RowProgramContext about_step(const StepContext& context) {
  return {context.step,   context.comm.rank(), context.comm.size(),
          context.inputs, context.outputs,     context.parameters.value("parameters", Json::object())};
}

class LibraryProgram : public EntryProgram {
 public:
  LibraryProgram(const StepContext& context, std::string path)
      : path_(std::move(path)), library_(path_, about_step(context)) {}

  std::string run(const ScriptInput& input, Range rows) override {
    return library_.run(input.mini_batch(rows));
  }
  const std::string& path() const override { return path_; }

 private:
  const std::string path_;
  LibraryRows library_;
};

class LibraryService : public ChildService {
 public:
  explicit LibraryService(const Json& start)
      : library_(start.at("path"), {start.at("step"), start.at("rank"), start.at("ranks"), start.at("inputs"),
                                    start.at("outputs"), start.at("parameters")}) {}

  Json about() const override { return Json::object(); }
  ChildMessage answer(const ChildMessage& question) override {
    return {{{"kind", "result"}}, library_.run(mini_batch_from(question))};
  }

 private:
  LibraryRows library_;
};

Json start_of(const StepContext& context, const std::string& path) {
  const RowProgramContext about = about_step(context);
  return {{"kind", "library"},        {"path", path},
          {"step", about.step},       {"rank", about.rank},
          {"ranks", about.ranks},     {"inputs", about.inputs},
          {"outputs", about.outputs}, {"parameters", about.parameters}};
}

class TimedLibraryProgram : public EntryProgram {
 public:
  TimedLibraryProgram(StepContext& context, const std::string& path, double timeout)
      : path_(path),
        timeout_(timeout),
        process_(context, str("the process of ", path), start_of(context, path)) {
    process_.about();  // a library that can't be loaded fails the step, not mini-batches
  }

  std::string run(const ScriptInput& input, Range rows) override {
    const ChildMessage question = message_of(input.mini_batch(rows));
    return process_.ask(question.head, question.payload, timeout_).payload;
  }
  const std::string& path() const override { return path_; }

 private:
  const std::string path_;
  const double timeout_;
  ServiceProcess process_;
};

}  // namespace

std::unique_ptr<ChildService> make_library_service(const Json& start) {
  return std::make_unique<LibraryService>(start);
}

std::unique_ptr<EntryProgram> make_library_program(const StepContext& context, const std::string& path) {
  return std::make_unique<LibraryProgram>(context, path);
}

std::unique_ptr<EntryProgram> make_timed_library_program(StepContext& context, const std::string& path,
                                                         double timeout) {
  return std::make_unique<TimedLibraryProgram>(context, path, timeout);
}

}  // namespace rankflow
