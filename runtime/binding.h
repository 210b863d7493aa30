// Bindings in text: ${{inputs.x}}, ${{parameters.y}}, ${{steps.s.outputs.o}} and, in a command, ${{outputs.o}}.
// A `$` that does not start "${{" is literal and needs no escape.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace rankflow {

struct Binding {
  enum class Kind { literal, input, parameter, step_output, own_output };
  Kind kind = Kind::literal;
  std::string text;    // literal: the text
  std::string name;    // input, parameter or output name
  std::string step;    // step_output: the step
  std::size_t offset = 0;  // of the binding in the text, for error columns
};

/// Splits `text` into literal pieces and bindings. Throws Error (configuration) for an unclosed or unknown form, naming
/// it; the caller adds the place.
std::vector<Binding> parse_bindings(const std::string& text);

/// The text with every binding replaced by `value(binding)`.
std::string replace_bindings(const std::string& text, const std::function<std::string(const Binding&)>& value);

}  // namespace rankflow
