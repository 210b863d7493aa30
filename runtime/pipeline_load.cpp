#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "io/file.h"
#include "runtime/input_kind.h"
#include "runtime/overrides.h"
#include "runtime/pipeline.h"
#include "runtime/step_order.h"

namespace rankflow {

namespace {

std::string step_title(const std::string& name) {
  return str("step ", in_quotes(name));
}

/// "; it has a, b" for a name that is near none of those there are.
std::string nearest_or_all(const std::string& name, const std::vector<std::string>& known,
                           const std::string& none) {
  if (auto near = did_you_mean(name, known); !near.empty()) return near;
  return known.empty() ? none : str("; there ", known.size() == 1 ? "is " : "are ", join(known, ", "));
}

/// The file's name without extension, with "-" for what a run's id can't have: "my pipe.yaml" gives "my-pipe".
std::string plain_name_of_file(const std::string& file) {
  std::string name = std::filesystem::path(file).stem().string().substr(0, 100);
  for (char& c : name) {
    if (!is_plain_name(std::string{'x', c})) c = '-';
  }
  return is_plain_name(name) ? name : "pipeline";
}

/// A step on its way from the tree to the pipeline.
struct Draft {
  PipelineStep step;
  const Node* key = nullptr;
  const Node* node = nullptr;
  std::vector<BoundText> bound;
};

class Loader {
 public:
  Loader(Node tree, const std::string& file, const StepSpecs& specs, const Overrides& overrides)
      : tree_(std::move(tree)), file_(file), specs_(specs), overrides_(overrides) {}

  Pipeline load() {
    read_top();
    Parameters parameters(tree_.find("parameters"), file_);
    Node& steps = *tree_.find("steps");
    apply_settings(overrides_, parameters, steps, labels_);
    parameters.check();
    pipeline_.parameters = parameters.to_json();
    read_inputs(parameters);
    for (auto& [key, node] : steps.entries) parameters.substitute(node, step_title(key.text));
    drafts_.reserve(steps.entries.size());
    for (const auto& [key, node] : steps.entries) read_step(key, node);
    for (auto& draft : drafts_) resolve(draft);
    put_in_order();
    pipeline_.index_names();
    return std::move(pipeline_);
  }

 private:
  ConfigError error(const Node& node, const std::string& message, std::size_t offset = 0) const {
    return {mark_of(node, file_, offset), message};
  }
  ConfigError error(const Draft& draft, const Node& node, const std::string& message,
                    std::size_t offset = 0) const {
    return error(node, str(step_title(draft.step.name), ": ", message), offset);
  }

  void read_top() {
    if (tree_.kind == Node::Kind::null) {
      throw ConfigError({file_, 1, 1},
                        "the file is empty; a pipeline has at least one step under the key \"steps\"");
    }
    if (tree_.kind != Node::Kind::mapping) {
      throw error(tree_, str("a pipeline is a mapping with the key \"steps\", not ", shown(tree_)));
    }
    check_keys(tree_, pipeline_fields(), file_, "");
    pipeline_.file = file_;
    pipeline_.folder = std::filesystem::path(absolute_path(file_)).parent_path().string();
    pipeline_.name = top_text("name");
    pipeline_.description = top_text("description");
    if (pipeline_.name.empty()) {
      pipeline_.name = plain_name_of_file(file_);
    } else if (!is_plain_name(pipeline_.name)) {
      const Node& node = *tree_.find("name");
      if (pipeline_.name.size() > 100)
        throw error(node, str("name has ", pipeline_.name.size(), " characters; at most 100 are taken"));
      throw error(node,
                  str("name must have letters, digits, \"_\", \"-\" and \".\" only, not ", shown(node)));
    }
    const Node& steps = *tree_.find("steps");
    if (steps.kind != Node::Kind::mapping) {
      throw error(steps, str("steps must be a mapping of names to steps, not ", shown(steps)));
    }
    if (steps.entries.empty()) throw error(steps, "a pipeline has at least one step");
  }

  std::string top_text(const char* key) const {
    const Node* node = tree_.find(key);
    return node && node->kind != Node::Kind::null
               ? validate_value(*node, text(key, ""), file_, "").get<std::string>()
               : "";
  }

  void read_inputs(Parameters& parameters) {
    if (Node* inputs = tree_.find("inputs"); inputs && inputs->kind != Node::Kind::null) {
      if (inputs->kind != Node::Kind::mapping) {
        throw error(*inputs, str("inputs must be a mapping of names to paths, not ", shown(*inputs)));
      }
      for (auto& [key, node] : inputs->entries) read_input(key, node, parameters);
    }
    for (const auto& [name, path] : overrides_.inputs) override_input(name, path);
  }

  void read_input(const Node& key, Node& node, Parameters& parameters) {
    const std::string what = str("input ", in_quotes(key.text));
    if (!is_binding_name(key.text)) {
      throw error(key, bad_name("an input's", key.text));
    }
    parameters.substitute(node, what);
    PipelineInput input{key.text, "", "", mark_of(key, file_)};
    rankflow::read_input(node, file_, pipeline_.folder, what, input);
    input_index_.emplace(input.name, pipeline_.inputs.size());
    pipeline_.inputs.push_back(std::move(input));
  }

  void override_input(const std::string& name, const std::string& path) {
    const Mark mark{str("--input ", name, "=", path)};
    const auto found = input_index_.find(name);
    if (found == input_index_.end()) throw ConfigError(mark, unknown_input(name));
    try {
      PipelineInput& input = pipeline_.inputs[found->second];
      read_input_text(path, absolute_path("."), input);
      input.mark = mark;
    } catch (const Error& e) {
      throw ConfigError(mark, describe(e));
    }
  }

  std::string unknown_input(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& input : pipeline_.inputs) names.push_back(input.name);
    return str("no input ", in_quotes(name), " in this pipeline",
               nearest_or_all(name, names, "; it has no inputs"));
  }

  void read_step(const Node& key, const Node& node) {
    if (!is_binding_name(key.text)) {
      throw error(key, bad_name("a step's", key.text));
    }
    Draft& draft = drafts_.emplace_back();
    draft.key = &key;
    draft.node = &node;
    PipelineStep& step = draft.step;
    step.name = key.text;
    step.mark = mark_of(key, file_);
    const std::string what = step_title(step.name);
    if (node.kind != Node::Kind::mapping) {
      throw error(key, str(what, " must be a mapping of keys to values, not ", shown(node)));
    }
    step.spec = spec_of(draft);
    step.type = step.spec->type;
    Json values = validate(node, fields_of(*step.spec), file_, what, &draft.bound);
    take_common_keys(step, values);
    step.parameters = std::move(values);
    check_inputs(draft);
    check_by_type(draft);
    step_index_.emplace(step.name, drafts_.size() - 1);
  }

  const StepSpec* spec_of(const Draft& draft) const {
    const Node* type = draft.node->find("type");
    if (!type || type->kind == Node::Kind::null) {
      throw error(draft, *draft.key,
                  str("missing key \"type\"; there are the types ", join(specs_.names(), ", ")));
    }
    if (type->kind != Node::Kind::scalar)
      throw error(draft, *type, str("type must be text, not ", shown(*type)));
    if (const auto* spec = specs_.find(type->text)) return spec;
    throw error(draft, *type,
                str("no step type ", in_quotes(type->text), nearest_or_all(type->text, specs_.names(), "")));
  }

  const Fields& fields_of(const StepSpec& spec) {
    const auto [found, added] = fields_.try_emplace(&spec);
    if (added) {
      found->second = common_step_fields();
      found->second.insert(found->second.end(), spec.fields.begin(), spec.fields.end());
    }
    return found->second;
  }

  static void take_common_keys(PipelineStep& step, Json& values) {
    step.description = values.value("description", "");
    step.reuse = values.at("reuse");
    step.ranks = step.spec->default_ranks;
    if (const auto resources = values.find("resources"); resources != values.end()) {
      if (const auto ranks = resources->find("ranks"); ranks != resources->end())
        step.ranks = ranks->is_string() ? 0 : ranks->get<int>();
      step.device = resources->at("device");
    }
    step.download = values.at("access") == "download";
    if (values.contains("publish_to"))
      step.publish_to = values["publish_to"].get<std::map<std::string, std::string>>();
    if (values.contains("inputs")) step.inputs = values["inputs"].get<std::map<std::string, std::string>>();
    for (const char* key :
         {"type", "description", "inputs", "after", "resources", "reuse", "access", "publish_to"})
      values.erase(key);
  }

  void check_inputs(const Draft& draft) const {
    const StepSpec& spec = *draft.step.spec;
    if (const Node* inputs = draft.node->find("inputs")) {
      for (const auto& [key, value] : inputs->entries) {
        if (!spec.any_inputs) check_input_name(draft, key);
        if (!is_binding_name(key.text)) {
          throw error(draft, key, bad_name("an input's", key.text));
        }
        if (!has_binding(value.text)) throw not_a_path(draft, value, str("inputs.", key.text));
      }
    }
    for (const auto& input : spec.inputs) {
      if (input.required && !draft.step.inputs.count(input.name)) {
        throw error(draft, *draft.key, str("missing input ", in_quotes(input.name), ": ", input.help));
      }
    }
  }

  void check_input_name(const Draft& draft, const Node& key) const {
    std::vector<std::string> known;
    for (const auto& input : draft.step.spec->inputs) {
      if (input.name == key.text) return;
      known.push_back(input.name);
    }
    throw error(draft, key,
                str("a ", draft.step.type, " step has no input ", in_quotes(key.text),
                    nearest_or_all(key.text, known, "")));
  }

  ConfigError not_a_path(const Draft& draft, const Node& value, const std::string& key) const {
    return error(
        draft, value,
        str(key,
            " must be ${{inputs.NAME}} or ${{steps.STEP.outputs.NAME}}, and maybe a /path below it, not ",
            in_quotes(value.text)));
  }

  /// What the type's tables can't say: its own checks, and what its outputs are called.
  void check_by_type(Draft& draft) const {
    PipelineStep& step = draft.step;
    try {
      if (step.spec->check) step.spec->check(step.parameters);
      if (step.spec->check_inputs) {
        std::set<std::string> inputs;
        for (const auto& [name, path] : step.inputs) inputs.insert(name);
        step.spec->check_inputs(step.parameters, inputs);
      }
      if (step.spec->outputs) {
        for (auto& output : step.spec->outputs(step.parameters))
          step.outputs.push_back(std::move(output.name));
      }
    } catch (const ConfigError&) {
      throw;
    } catch (const Error& e) {
      throw error(draft, *draft.key, describe(e));
    }
    const Node* declared = draft.node->find("outputs");
    std::unordered_set<std::string_view> seen;
    for (const auto& name : step.outputs) {
      const Node& place = declared ? *declared : *draft.key;
      if (!is_binding_name(name)) {
        throw error(draft, place, bad_name("an output's", name));
      }
      if (!seen.insert(name).second)
        throw error(draft, place, str("there are two outputs ", in_quotes(name)));
    }
  }

  void resolve(Draft& draft) {
    for (const auto& text : draft.bound) {
      const bool is_input = text.key.starts_with("inputs.");
      if (is_input && !is_path(text.pieces)) throw not_a_path(draft, *text.node, text.key);
      for (const auto& piece : text.pieces) {
        if (piece.kind == Binding::Kind::input && !input_index_.count(piece.name)) {
          throw error(draft, *text.node, str(text.key, ": ", unknown_input(piece.name)), piece.offset);
        }
        if (piece.kind == Binding::Kind::own_output) check_own_output(draft, text, piece);
        if (piece.kind == Binding::Kind::step_output) need_output(draft, text, piece);
      }
    }
    if (const Node* after = draft.node->find("after")) {
      if (after->kind == Node::Kind::scalar) need_step(draft, *after);
      for (const auto& item : after->items) need_step(draft, item);
    }
    auto& needs = draft.step.needs;
    std::sort(needs.begin(), needs.end());
    needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
  }

  void check_own_output(const Draft& draft, const BoundText& text, const Binding& binding) const {
    const auto& outputs = draft.step.outputs;
    if (std::find(outputs.begin(), outputs.end(), binding.name) != outputs.end()) return;
    throw error(draft, *text.node,
                str(text.key, ": this step has no output ", in_quotes(binding.name),
                    nearest_or_all(binding.name, outputs, "; it has none")),
                binding.offset);
  }

  void need_output(Draft& draft, const BoundText& text, const Binding& binding) {
    const auto found = step_index_.find(binding.step);
    if (found == step_index_.end()) {
      throw error(draft, *text.node, str(text.key, ": ", unknown_step(binding.step)), binding.offset);
    }
    const PipelineStep& source = drafts_[found->second].step;
    if (&source == &draft.step) {
      throw error(draft, *text.node, str(text.key, ": ", written(binding), " is of this step itself"),
                  binding.offset);
    }
    const auto& outputs = source.outputs;
    if (std::find(outputs.begin(), outputs.end(), binding.name) == outputs.end()) {
      throw error(draft, *text.node,
                  str(text.key, ": ", step_title(source.name), " has no output ", in_quotes(binding.name),
                      nearest_or_all(binding.name, outputs, "; it has none")),
                  binding.offset);
    }
    check_kind(draft, text, binding, source);
    draft.step.needs.push_back(found->second);
  }

  /// What lies below an output may be of any kind.
  void check_kind(const Draft& draft, const BoundText& text, const Binding& binding,
                  const PipelineStep& source) const {
    if (text.pieces.size() != 1) return;
    for (const InputSpec& input : draft.step.spec->inputs) {
      if (text.key != "inputs." + input.name) continue;
      const std::string wrong = wrong_kind(input, *source.spec, source.parameters, binding.name);
      if (!wrong.empty())
        throw error(draft, *text.node, str(text.key, ": ", written(binding), " ", wrong), binding.offset);
    }
  }

  void need_step(Draft& draft, const Node& name) {
    const auto found = step_index_.find(name.text);
    if (found == step_index_.end()) throw error(draft, name, str("after: ", unknown_step(name.text)));
    if (&drafts_[found->second] == &draft) throw error(draft, name, "after: this is the step itself");
    draft.step.needs.push_back(found->second);
  }

  std::string unknown_step(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& draft : drafts_) names.push_back(draft.step.name);
    // Not all names: there may be thousands.
    return str("no step ", in_quotes(name), " in this pipeline", did_you_mean(name, names));
  }

  void put_in_order() {
    std::vector<std::vector<std::size_t>> needs;
    for (const auto& draft : drafts_) needs.push_back(draft.step.needs);
    const StepOrder ordered = order_steps(needs);
    if (!ordered.cycle.empty()) throw cycle_error(ordered.cycle);
    std::vector<std::size_t> new_index(drafts_.size());
    for (std::size_t i = 0; i < ordered.order.size(); ++i) new_index[ordered.order[i]] = i;
    pipeline_.steps.reserve(drafts_.size());
    for (const auto old : ordered.order) {
      PipelineStep& step = pipeline_.steps.emplace_back(std::move(drafts_[old].step));
      for (auto& n : step.needs) n = new_index[n];
      std::sort(step.needs.begin(), step.needs.end());
    }
  }

  ConfigError cycle_error(const std::vector<std::size_t>& cycle) const {
    constexpr std::size_t longest = 8;
    std::string path;
    for (std::size_t i = 0; i < std::min(cycle.size(), longest); ++i)
      path += str(drafts_[cycle[i]].step.name, " → ");
    if (cycle.size() > longest) path += str("… (", cycle.size() - longest, " more) → ");
    return error(*drafts_[cycle[0]].key, str("steps need each other in a cycle: ", path,
                                             drafts_[cycle[0]].step.name, " (each needs the next)"));
  }

  OptionLabels labels_;  // before the tree, whose nodes point at them
  Node tree_;
  const std::string& file_;
  const StepSpecs& specs_;
  const Overrides& overrides_;
  Pipeline pipeline_;
  std::unordered_map<const StepSpec*, Fields> fields_;
  std::unordered_map<std::string, std::size_t> input_index_;
  std::unordered_map<std::string, std::size_t> step_index_;
  std::vector<Draft> drafts_;
};

}  // namespace

Pipeline parse_pipeline(const std::string& text, const std::string& path, const StepSpecs& specs,
                        const Overrides& overrides) {
  return Loader(parse_yaml(text, path), path, specs, overrides).load();
}

Pipeline load_pipeline(const std::string& path, const StepSpecs& specs, const Overrides& overrides) {
  return Loader(load_yaml(path), path, specs, overrides).load();
}

}  // namespace rankflow
