// The pipeline format as tables, and what is generated from them: the JSON Schema and the reference for
// people.
#include "base/text.h"
#include "runtime/parameters.h"
#include "runtime/pipeline.h"

namespace rankflow {

namespace {

constexpr const char* name_pattern = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$";

Json named(Json values, bool may_be_empty = true) {
  Json out = {{"type", "object"},
              {"propertyNames", {{"pattern", name_pattern}}},
              {"additionalProperties", std::move(values)}};
  if (!may_be_empty) out["minProperties"] = 1;
  return out;
}

Json step_inputs_schema(const StepSpec& spec) {
  Json properties = Json::object(), needed = Json::array();
  for (const auto& input : spec.inputs) {
    properties[input.name] = {{"type", "string"}, {"description", input.help}};
    if (input.required) needed.push_back(input.name);
  }
  Json out = {{"type", "object"}, {"properties", std::move(properties)}};
  out["additionalProperties"] = spec.any_inputs ? Json{{"type", "string"}} : Json(false);
  if (!needed.empty()) out["required"] = std::move(needed);
  return out;
}

Json step_schema(const StepSpec& spec) {
  Fields fields = common_step_fields();
  fields.insert(fields.end(), spec.fields.begin(), spec.fields.end());
  Json schema = json_schema(fields, true);
  schema["description"] = spec.help;
  schema["properties"]["type"] = {{"const", spec.type}, {"description", spec.help}};
  Json inputs = step_inputs_schema(spec);
  if (inputs.contains("required")) schema["required"].push_back("inputs");
  inputs["description"] = schema["properties"]["inputs"]["description"];
  schema["properties"]["inputs"] = std::move(inputs);
  return schema;
}

std::string table(const std::string& rows) {
  return str("| key | type | default | meaning |\n| --- | --- | --- | --- |\n", rows, "\n");
}

std::string step_reference(const StepSpec& spec) {
  std::string out = str("## Step type `", spec.type, "`\n\n", spec.help, "\n\n");
  if (!spec.inputs.empty() || spec.any_inputs) {
    out += "| input | | meaning |\n| --- | --- | --- |\n";
    for (const auto& input : spec.inputs) {
      out += str("| `", input.name, "` | ", input.required ? "**required**" : "optional", " | ", input.help,
                 " |\n");
    }
    if (spec.any_inputs) out += "| any name | optional | A path that the step can use |\n";
    out += "\n";
  }
  if (!spec.fields.empty()) out += table(markdown_rows(spec.fields));
  if (!spec.outputs_help.empty()) out += str("Outputs: ", spec.outputs_help, "\n\n");
  out += spec.default_ranks == 0
             ? "Runs on all ranks unless `resources.ranks` says otherwise.\n\n"
             : str("Runs on ", spec.default_ranks, spec.default_ranks == 1 ? " rank" : " ranks",
                   " unless `resources.ranks` says otherwise.\n\n");
  return out;
}

}  // namespace

Fields pipeline_fields() {
  return {
      text("name", "What runs of the pipeline are called; otherwise the file's name"),
      text("description", "What it does, for people"),
      map("inputs", any("", ""),
          "Files and folders that come from outside: name → path, relative to the pipeline file; `--input "
          "NAME=PATH` "
          "gives another"),
      map("parameters", any("", ""),
          "Values used in the steps as `${{parameters.NAME}}`: name → value; `--set NAME=VALUE` gives "
          "another"),
      required(map("steps", any("", ""), "The steps: name → step")),
  };
}

Fields common_step_fields() {
  return {
      required(text("type", "What the step does: one of the step types below")),
      text("description", "What it is for, for people"),
      map("inputs", bindable(text("", "")),
          "The step's inputs: name → `${{inputs.NAME}}` or `${{steps.STEP.outputs.NAME}}`, and maybe a "
          "`/path` below it"),
      or_single(list("after", text("", ""), "Steps that must be done first though no data comes from them")),
      object("resources",
             {or_word(between(integer("ranks", "The number of ranks the step runs on"), 1, 1'000'000), "all"),
              with_default(
                  choice("device", {"auto", "cpu", "cuda"},
                         "Where tensors are computed (docs/gpu.md). auto: on GPUs where the program was "
                         "built for them, the step's type can use them, and each rank has one of its own"),
                  "auto")},
             "What the step runs on"),
      with_default(boolean("reuse", "Whether earlier results of the same step may be reused"), true),
      with_default(choice("access", {"direct", "download"},
                          "How the inputs are read: where they lie, or from a copy on the node's own disk, "
                          "made once per node"),
                   "direct"),
      map("publish_to", text("", ""),
          "Outputs that are copied to a datastore as well: output → `DATASTORE:path`, a folder or all below "
          "a "
          "prefix of an object store. It is replaced as a whole, and only where it is missing or holds "
          "something older that was published there"),
  };
}

Json pipeline_json_schema(const StepSpecs& specs) {
  Json types = Json::array(), by_type = Json::array(), definitions = Json::object();
  for (const auto& spec : specs.all()) {
    const std::string definition = "step_" + spec.type;
    types.push_back(spec.type);
    by_type.push_back({{"if", {{"properties", {{"type", {{"const", spec.type}}}}}, {"required", {"type"}}}},
                       {"then", {{"$ref", "#/$defs/" + definition}}}});
    definitions[definition] = step_schema(spec);
  }
  Json step = {{"type", "object"}, {"required", {"type"}}, {"properties", {{"type", {{"enum", types}}}}}};
  if (!by_type.empty()) step["allOf"] = std::move(by_type);
  definitions["step"] = std::move(step);

  Json schema = json_schema(pipeline_fields());
  Json& properties = schema["properties"];
  const auto put = [&](const char* key, Json value) {
    value["description"] = properties[key]["description"];
    properties[key] = std::move(value);
  };
  const Json paths = {{"type", "array"}, {"items", {{"type", "string"}}}};
  put("inputs",
      named({{"anyOf", {{{"type", {"string", "null"}}}, paths, json_schema(pipeline_input_fields())}}}));
  put("parameters", named(Json::object()));
  put("steps", named({{"$ref", "#/$defs/step"}}, false));
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "rankflow pipeline";
  schema["$defs"] = std::move(definitions);
  return schema;
}

std::string pipeline_reference_markdown(const StepSpecs& specs) {
  std::string out = str("## The file\n\n", table(markdown_rows(pipeline_fields())));
  out += str("An input is a path or a glob, a list of these, or a mapping:\n\n",
             table(markdown_rows(pipeline_input_fields())));
  out += str("A parameter is its value, or a mapping that has `default` or only these keys:\n\n",
             table(markdown_rows(parameter_fields())));
  out += str("## Keys of every step\n\n", table(markdown_rows(common_step_fields())));
  for (const auto& spec : specs.all()) out += step_reference(spec);
  return out;
}

}  // namespace rankflow
