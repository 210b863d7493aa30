#include "runtime/overrides.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace rankflow {

namespace {

std::string label_of(const std::string& name, const std::string& value) {
  std::string label = str("--set ", name, "=", value);
  // Line feeds and other control characters would spoil the terminal.
  for (char& c : label) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  constexpr std::size_t longest = 120;
  if (label.size() <= longest) return label;
  std::size_t cut = longest;
  while (cut > 0 && (static_cast<unsigned char>(label[cut]) & 0xC0) == 0x80) --cut;
  return label.substr(0, cut) + "…";
}

void set_origin(Node& node, const std::string* label) {
  node.option = label;
  node.line = node.column = 0;
  for (auto& item : node.items) set_origin(item, label);
  for (auto& [key, value] : node.entries) set_origin(key, label), set_origin(value, label);
}

class Setting {
 public:
  Setting(const std::string& name, const std::string& value, const std::string& label)
      : path_(split(name, '.')), label_(label) {
    if (std::any_of(path_.begin(), path_.end(), [](const auto& part) { return part.empty(); }) ||
        !is_utf8(name)) {
      throw error("a setting is NAME=VALUE or STEP.KEY=VALUE");
    }
    if (const auto depth = YamlLimits{}.depth; path_.size() > static_cast<std::size_t>(depth)) {
      throw error(str("more than ", depth, " keys deep"));
    }
    try {
      value_ = parse_yaml(value, {});
    } catch (const ConfigError& e) {
      throw error(e.message());
    }
    set_origin(value_, &label_);
  }

  void apply(Parameters& parameters, Node& steps) {
    const std::string& first = path_[0];
    const bool says_steps = first == "steps" && path_.size() > 1 && !steps.find(first);
    const bool says_parameters = first == "parameters" && path_.size() > 1 && !steps.find(first);
    if (says_steps || says_parameters) path_.erase(path_.begin());
    Node* step = says_parameters ? nullptr : steps.find(path_[0]);
    if (step && path_.size() > 1) return put(*step, 1);
    Node* parameter = says_steps ? nullptr : parameters.value(path_[0]);
    if (parameter) return put(*parameter, 1);
    if (step) throw error(str(in_quotes(path_[0]), " is a step: write --set ", path_[0], ".KEY=VALUE"));
    throw unknown(parameters, steps, says_steps, says_parameters);
  }

 private:
  ConfigError error(const std::string& message) const { return {{label_}, message}; }

  ConfigError unknown(const Parameters& parameters, const Node& steps, bool says_steps,
                      bool says_parameters) const {
    std::vector<std::string> known;
    const bool a_step = says_steps || (path_.size() > 1 && !says_parameters);
    if (!says_steps) known = parameters.names();
    if (a_step) {
      for (const auto& [key, value] : steps.entries) known.push_back(key.text);
    }
    const char* kind = !a_step ? "parameter" : says_steps ? "step" : "step or parameter";
    std::string meant = did_you_mean(path_[0], known);
    if (meant.empty() && path_.size() == 1) meant = key_of_a_step(steps);
    return error(str("no ", kind, " ", in_quotes(path_[0]), " in this pipeline", meant));
  }

  /// " (did you mean --set STEP.KEY=VALUE?)" where a step's own key is called so, otherwise "".
  std::string key_of_a_step(const Node& steps) const {
    for (const auto& [name, step] : steps.entries) {
      if (step.kind == Node::Kind::mapping && step.find(path_[0]))
        return str(" (did you mean --set ", name.text, ".", path_[0], "=VALUE?)");
    }
    return "";
  }

  /// Goes down from `node` by the keys path_[at…], making what is missing, and puts the value there.
  void put(Node& node, std::size_t at) {
    if (at == path_.size()) {
      node = std::move(value_);
      return;
    }
    const std::string& key = path_[at];
    if (node.kind == Node::Kind::sequence) return put(item(node, key), at + 1);
    if (node.kind == Node::Kind::null) {
      node.kind = Node::Kind::mapping;
      node.text.clear();
    }
    if (node.kind != Node::Kind::mapping) {
      throw error(str("there is no key ", in_quotes(key), " below ", shown(node)));
    }
    Node* below = node.find(key);
    if (!below) {
      Node name = Node::scalar(key, true);
      name.option = &label_;
      Node nothing;
      nothing.option = &label_;
      node.entries.emplace_back(std::move(name), std::move(nothing));
      below = &node.entries.back().second;
    }
    put(*below, at + 1);
  }

  Node& item(Node& list, const std::string& key) const {
    std::size_t index = 0;
    const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (failed != std::errc{} || end != key.data() + key.size() || index >= list.items.size()) {
      throw error(
          str("no entry ", in_quotes(key), " in a list of ", list.items.size(), " (they count from 0)"));
    }
    return list.items[index];
  }

  std::vector<std::string> path_;
  const std::string& label_;
  Node value_;
};

}  // namespace

void apply_settings(const Overrides& overrides, Parameters& parameters, Node& steps, OptionLabels& labels) {
  for (const auto& [name, value] : overrides.set) {
    const std::string& label = labels.emplace_back(label_of(name, value));
    Setting(name, value, label).apply(parameters, steps);
  }
}

}  // namespace rankflow
