#include "runtime/binding.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace rankflow {
namespace {

using Kind = Binding::Kind;

TEST(Binding, SplitsText) {
  const auto pieces =
      parse_bindings("$a ${{inputs.x}}/b${{ steps.s-1.outputs.o }}${{outputs.p}}${{parameters.q}}");
  ASSERT_EQ(pieces.size(), 6u);
  EXPECT_EQ(pieces[0].kind, Kind::literal);
  EXPECT_EQ(pieces[0].text, "$a ");
  EXPECT_EQ(pieces[1].kind, Kind::input);
  EXPECT_EQ(pieces[1].name, "x");
  EXPECT_EQ(pieces[1].offset, 3u);
  EXPECT_EQ(pieces[2].text, "/b");
  EXPECT_EQ(pieces[3].kind, Kind::step_output);
  EXPECT_EQ(pieces[3].step, "s-1");
  EXPECT_EQ(pieces[3].name, "o");
  EXPECT_EQ(pieces[4].kind, Kind::own_output);
  EXPECT_EQ(pieces[5].kind, Kind::parameter);
}

TEST(Binding, LeavesOtherDollarsAlone) {
  for (const char* text : {"", "$", "${HOME}", "$$ ${ {a}}", "}}", "$(touch x)"}) {
    EXPECT_EQ(replace_bindings(text, [](const Binding&) { return std::string("!"); }), text);
  }
}

TEST(Binding, ReplacesEachOnce) {
  // What is put in is not looked at again.
  EXPECT_EQ(replace_bindings("${{inputs.a}}-${{inputs.b}}",
                             [](const Binding& b) { return str("${{", b.name, "}}"); }),
            "${{a}}-${{b}}");
}

TEST(Binding, WritesBack) {
  const std::string text = "a${{inputs.x}}${{steps.s.outputs.o}}${{outputs.p}}${{parameters.q}}b";
  std::string back;
  for (const auto& piece : parse_bindings(text)) back += written(piece);
  EXPECT_EQ(back, text);
}

std::string failure(const std::string& text, std::size_t* offset = nullptr) {
  try {
    parse_bindings(text);
  } catch (const BindingError& e) {
    EXPECT_EQ(e.status(), ExitStatus::configuration);
    if (offset) *offset = e.offset();
    return e.what();
  }
  return "no error";
}

TEST(Binding, NamesWhatIsWrong) {
  const std::string forms =
      "; there are ${{inputs.NAME}}, ${{parameters.NAME}}, ${{steps.STEP.outputs.NAME}} and "
      "${{outputs.NAME}}";
  std::size_t offset = 0;
  EXPECT_EQ(failure("ab${{inputs.x", &offset), "\"${{inputs.x\" lacks its closing \"}}\"");
  EXPECT_EQ(offset, 2u);
  std::string many;
  for (std::size_t i = 0; i <= max_bindings; ++i) many += "${{inputs.x}}";
  EXPECT_EQ(failure(many, &offset), "more than 1000 bindings in one text");
  EXPECT_EQ(offset, 13000u);
  EXPECT_EQ(failure("${{x}}"), "\"${{x}}\" is not a binding" + forms);
  EXPECT_EQ(failure("${{}}"), "\"${{}}\" is not a binding" + forms);
  EXPECT_EQ(failure("${{inputs.}}"), "\"${{inputs.}}\" is not a binding" + forms);
  EXPECT_EQ(failure("${{inputs.a/b}}"), "\"${{inputs.a/b}}\" is not a binding" + forms);
  EXPECT_EQ(failure("${{inputs.a.b}}"), "\"${{inputs.a.b}}\" is not a binding" + forms);
  EXPECT_EQ(failure("${{input.a}}"), "\"${{input.a}}\" is not a binding (did you mean \"inputs\"?)");
  EXPECT_EQ(failure("${{steps.train.model}}"),
            "\"${{steps.train.model}}\" is not a binding (did you mean \"${{steps.train.outputs.model}}\"?)");
}

}  // namespace
}  // namespace rankflow
