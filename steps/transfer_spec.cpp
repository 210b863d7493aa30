#include "base/error.h"
#include "base/text.h"
#include "io/secret.h"
#include "runtime/input_kind.h"
#include "steps/specs.h"

namespace rankflow {
namespace {

Field to_field() {
  Fields keys = {
      text("path", "A folder, relative to the pipeline file, or `DATASTORE:path`"),
      text("url",
           "Instead of `path`: `s3://BUCKET/KEY`, `gs://BUCKET/KEY` or "
           "`abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`"),
  };
  for (Field& field : location_fields()) {
    if (field.name != "sha256") keys.push_back(std::move(field));
  }
  return required(
      object("to", std::move(keys),
             "The folder that the files go to, by the same paths below it; a single file keeps its name"));
}

void check(const Json& parameters) {
  const Json& to = parameters.at("to");
  if (to.contains("path") == to.contains("url"))
    throw Error(ExitStatus::configuration, "`to` needs either `path` or `url`");
  if (to.contains("path")) {
    if (to.size() > 1)
      throw Error(ExitStatus::configuration, "the other keys of `to` go with `url`", "leave them out");
    if (to.at("path") == "") throw Error(ExitStatus::configuration, "to.path is empty");
    return;
  }
  Location location = location_from_json(to);
  // Relative to the pipeline file, whose folder the step knows; here it is only about the form.
  for (auto& [name, reference] : location.credentials) reference = reference_in(reference, "/");
  if (!is_object_store(location))
    throw Error(ExitStatus::configuration, "nothing can be written to a web server",
                "an object store or a path");
  check_location(location);
}

}  // namespace

StepSpec transfer_spec() {
  StepSpec spec;
  spec.type = "transfer";
  spec.version = 2;
  spec.help =
      "Copies a file, a folder or an artifact to a folder or an object store, in parallel over the ranks. "
      "What is there already "
      "with the same SHA-256 is not copied again, so that an interrupted transfer goes on with what is "
      "missing. The output lists "
      "the files; where it can be reused, nothing is copied: `reuse: false` looks at the target every time. "
      "From folder to folder files stay executable; object stores don't know of that. What else is in the "
      "target stays as it is. The target can't lie inside of what is copied.";
  spec.fields = {
      to_field(),
      with_default(boolean("overwrite", "Replace files of other content; otherwise they are an error"),
                   false),
      not_hashed(with_default(boolean("verify", "Read each file back and compare its SHA-256"), true)),
  };
  spec.inputs = {{"data",
                  "what is copied; an object store is read directly, not staged first; what a web server or "
                  "a query gives is"}};
  spec.reads_remote = true;
  spec.places = {"to"};
  spec.outputs = [](const Json&) {
    return std::vector<OutputSpec>{
        {"copied", "files.csv: path, bytes and SHA-256 of each file", "list of files"}};
  };
  spec.outputs_help = "copied";
  spec.check = check;
  return spec;
}

}  // namespace rankflow
