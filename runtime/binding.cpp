#include "runtime/binding.h"

#include <algorithm>

#include "base/text.h"

namespace rankflow {

BindingError::BindingError(std::size_t offset, const std::string& message, std::source_location where)
    : Error(ExitStatus::configuration, message, {}, where), offset_(offset) {}

bool is_binding_name(std::string_view name) {
  return is_plain_name(name) && name.find('.') == std::string_view::npos;
}

std::string bad_name(std::string_view whose, std::string_view name) {
  return str(whose,
             " name has letters, digits, \"_\" and \"-\" only, at most 100 and no \"-\" at the start; not ",
             in_quotes(name));
}

namespace {

/// "Did you mean" for the slips that have one sure repair; otherwise the forms there are.
std::string repair(const std::vector<std::string>& parts) {
  if (parts.size() == 3 && parts[0] == "steps") {
    return str(" (did you mean \"${{steps.", parts[1], ".outputs.", parts[2], "}}\"?)");
  }
  static const std::vector<std::string> roots = {"inputs", "parameters", "steps", "outputs"};
  if (const auto root = nearest(parts[0], roots); !root.empty() && root != parts[0])
    return did_you_mean(parts[0], roots);
  return "; there are ${{inputs.NAME}}, ${{parameters.NAME}}, ${{steps.STEP.outputs.NAME}} and "
         "${{outputs.NAME}}";
}

Binding parse_one(std::string_view inside, std::size_t offset) {
  const auto parts = split(trim(inside), '.');
  Binding binding;
  binding.offset = offset;
  bool known = true;
  for (const auto& part : parts) known = known && is_binding_name(part);
  if (known && parts.size() == 2 && parts[0] == "inputs") {
    binding.kind = Binding::Kind::input;
  } else if (known && parts.size() == 2 && parts[0] == "parameters") {
    binding.kind = Binding::Kind::parameter;
  } else if (known && parts.size() == 2 && parts[0] == "outputs") {
    binding.kind = Binding::Kind::own_output;
  } else if (known && parts.size() == 4 && parts[0] == "steps" && parts[2] == "outputs") {
    binding.kind = Binding::Kind::step_output;
    binding.step = parts[1];
  } else {
    throw BindingError(offset,
                       str(in_quotes(str("${{", trim(inside), "}}")), " is not a binding", repair(parts)));
  }
  binding.name = parts.back();
  return binding;
}

}  // namespace

std::vector<Binding> parse_bindings(const std::string& text) {
  std::vector<Binding> pieces;
  const auto add_literal = [&](std::size_t from, std::size_t to) {
    if (to > from) pieces.push_back({Binding::Kind::literal, text.substr(from, to - from), {}, {}, from});
  };
  std::size_t at = 0, bindings = 0;
  for (;;) {
    const auto open = text.find("${{", at);
    if (open == std::string::npos) {
      add_literal(at, text.size());
      return pieces;
    }
    add_literal(at, open);
    if (++bindings > max_bindings)
      throw BindingError(open, str("more than ", max_bindings, " bindings in one text"));
    const auto close = text.find("}}", open + 3);
    if (close == std::string::npos)
      throw BindingError(open, str(in_quotes(text.substr(open)), " lacks its closing \"}}\""));
    pieces.push_back(parse_one(std::string_view(text).substr(open + 3, close - open - 3), open));
    at = close + 2;
  }
}

std::string written(const Binding& b) {
  switch (b.kind) {
    case Binding::Kind::literal:
      return b.text;
    case Binding::Kind::input:
      return str("${{inputs.", b.name, "}}");
    case Binding::Kind::parameter:
      return str("${{parameters.", b.name, "}}");
    case Binding::Kind::step_output:
      return str("${{steps.", b.step, ".outputs.", b.name, "}}");
    case Binding::Kind::own_output:
      return str("${{outputs.", b.name, "}}");
  }
  return {};
}

std::string replace_bindings(const std::string& text,
                             const std::function<std::string(const Binding&)>& value) {
  if (!has_binding(text)) return text;
  std::string out;
  for (const auto& piece : parse_bindings(text)) {
    out += piece.kind == Binding::Kind::literal ? piece.text : value(piece);
  }
  return out;
}

bool is_path(const std::vector<Binding>& pieces) {
  if (pieces.empty()) return false;
  const auto kind = pieces[0].kind;
  if (kind != Binding::Kind::input && kind != Binding::Kind::step_output) return false;
  if (pieces.size() == 1) return true;
  if (pieces.size() > 2 || pieces[1].kind != Binding::Kind::literal || pieces[1].text[0] != '/') return false;
  const auto parts = split(pieces[1].text.substr(1), '/');
  return std::none_of(parts.begin(), parts.end(),
                      [](const auto& p) { return p.empty() || p == ".." || p == "."; });
}

}  // namespace rankflow
