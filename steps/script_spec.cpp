#include "steps/script_spec.h"

#include "base/text.h"

namespace rankflow {

Fields script_fields(const char* what) {
  return {
      text("entry_script", str("Python file, relative to the pipeline file, that ", what)),
      with_default(
          text("python",
               "interpreter for it: a name in PATH, or a path relative to the pipeline file; it needs "
               "pandas and pyarrow"),
          "python3"),
      with_default(list("code", text("", "a path"),
                        "further files and folders of code: when they change the step runs again"),
                   Json::array()),
      with_default(map("parameters", any("", "a value"),
                       "what the script finds in `rankflow_step.context.parameters`"),
                   Json::object()),
  };
}

Field retry_field() {
  return judging(with_default(
      object(
          "retry_settings",
          {with_default(
               between(integer("max_retries", "how often a mini-batch that failed is tried again"), 0, 100),
               2),
           above(number(
                     "timeout",
                     "seconds that a mini-batch may take before the process that is at it is ended. A Python "
                     "script has 60 where it isn't given, and ten times as long (a minute at least) to start "
                     "and for init(); a model, or a library, is in the rank itself then, "
                     "otherwise in a process beside it"),
                 0)},
          "what happens to a mini-batch that fails"),
      Json::object()));
}

Field mini_batch_size_field(const char* what) {
  return with_default(between(integer("mini_batch_size", str("rows (or files) that ", what)), 1, 1 << 20),
                      1000);
}

}  // namespace rankflow
