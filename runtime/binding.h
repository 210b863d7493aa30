// Bindings in text: ${{inputs.x}}, ${{parameters.y}}, ${{steps.s.outputs.o}} and, in a command,
// ${{outputs.o}}. A `$` that does not start "${{" is literal and needs no escape.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rankflow {

struct Binding {
  enum class Kind { literal, input, parameter, step_output, own_output };
  Kind kind = Kind::literal;
  std::string text;        // literal: the text
  std::string name;        // input, parameter or output name
  std::string step;        // step_output: the step
  std::size_t offset = 0;  // of the binding in the text, in bytes, for error columns
};

/// A malformed binding: an Error (configuration) that says where in the text it stands.
class BindingError : public Error {
 public:
  BindingError(std::size_t offset, const std::string& message,
               std::source_location where = std::source_location::current());
  std::size_t offset() const { return offset_; }

 private:
  std::size_t offset_;
};

/// In one text: far more than anyone writes, and few enough that a hostile file costs little memory.
constexpr std::size_t max_bindings = 1000;

inline bool has_binding(std::string_view text) {
  return text.find("${{") != std::string_view::npos;
}

/// Splits `text` into literal pieces and bindings. Throws BindingError for an unclosed or unknown form,
/// naming it; the caller adds the place; and for more than max_bindings of them. White space inside the
/// braces is ignored.
std::vector<Binding> parse_bindings(const std::string& text);

/// The binding as it is written: "${{steps.train.outputs.model}}"; of a literal its text.
std::string written(const Binding& binding);

/// The text with every binding replaced by `value(binding)`.
std::string replace_bindings(const std::string& text,
                             const std::function<std::string(const Binding&)>& value);

/// Names of inputs, parameters, steps and outputs: as is_plain_name(), and without dots, which separate them
/// here.
bool is_binding_name(std::string_view name);
/// "a step's name …, not …": what to say of `name` where it isn't one.
std::string bad_name(std::string_view whose, std::string_view name);

/// One binding to a path (of an input, or another step's output), alone or with a path below it: what planning can digest.
bool is_path(const std::vector<Binding>& pieces);

}  // namespace rankflow
