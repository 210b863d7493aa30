#include "runtime/field.h"

#include "base/text.h"

namespace rankflow {

namespace {

Field make(std::string name, Field::Kind kind, std::string help) {
  Field f;
  f.name = std::move(name);
  f.kind = kind;
  f.help = std::move(help);
  return f;
}

}  // namespace

Field boolean(std::string name, std::string help) {
  return make(std::move(name), Field::Kind::boolean, std::move(help));
}
Field integer(std::string name, std::string help) {
  return make(std::move(name), Field::Kind::integer, std::move(help));
}
Field number(std::string name, std::string help) {
  return make(std::move(name), Field::Kind::number, std::move(help));
}
Field text(std::string name, std::string help) {
  return make(std::move(name), Field::Kind::text, std::move(help));
}
Field any(std::string name, std::string help) {
  return make(std::move(name), Field::Kind::any, std::move(help));
}

Field choice(std::string name, std::vector<std::string> choices, std::string help) {
  Field f = make(std::move(name), Field::Kind::choice, std::move(help));
  f.choices = std::move(choices);
  return f;
}

Field list(std::string name, Field element, std::string help) {
  Field f = make(std::move(name), Field::Kind::list, std::move(help));
  f.element.push_back(std::move(element));
  return f;
}

Field map(std::string name, Field element, std::string help) {
  Field f = make(std::move(name), Field::Kind::map, std::move(help));
  f.element.push_back(std::move(element));
  return f;
}

Field object(std::string name, Fields fields, std::string help) {
  Field f = make(std::move(name), Field::Kind::object, std::move(help));
  f.fields = std::move(fields);
  return f;
}

Field variant(std::string name, std::vector<Variant> variants, std::string help) {
  Field f = make(std::move(name), Field::Kind::variant, std::move(help));
  f.variants = std::move(variants);
  return f;
}

Field required(Field f) {
  f.required = true;
  return f;
}

Field with_default(Field f, Json value) {
  // As validate() gives it: a number is a double however it is written.
  if (f.kind == Field::Kind::number && value.is_number()) value = value.get<double>();
  f.otherwise = std::move(value);
  return f;
}

Field between(Field f, double minimum, double maximum) {
  f.minimum = minimum;
  f.maximum = maximum;
  return f;
}

Field at_least(Field f, double minimum) {
  f.minimum = minimum;
  return f;
}

Field above(Field f, double minimum) {
  f.minimum = minimum;
  f.minimum_excluded = true;
  return f;
}

Field bindable(Field f) {
  f.bindings = true;
  return f;
}

Field or_single(Field f) {
  f.scalar_as_list = true;
  return f;
}

Field or_word(Field f, std::string word) {
  f.choices.push_back(std::move(word));
  return f;
}

}  // namespace rankflow
