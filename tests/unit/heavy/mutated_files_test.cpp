// Thousands of nearly right IDX files and of expressions over a table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "io/expression_evaluator.h"
#include "io/idx.h"
#include "io/table_input.h"
#include "tests/mutations.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

void put(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(MutatedFiles, Idx) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.idx";
  const std::string zeros(3, '\0');
  const Mutations mutations({std::string("\0\0\x08\x02\0\0\0\x02\0\0\0\x03", 12) + "abcdef",
                             std::string("\0\0\x08\x01\0\0\0\x04", 8) + "abcd",
                             std::string("\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x02", 16) + "abcd"},
                            {zeros, std::string(1, '\0'), "\xff\xff\xff\xff", "\x08", "\x7f\xff\xff\xff",
                             std::string("\0\0\0\x01", 4)});
  expect_only_errors(mutations, 3000, {ExitStatus::bad_data}, [&](const std::string& bytes) {
    put(path, bytes);
    const IdxArray array = read_idx(path);
    std::int64_t elements = 1;
    for (const std::int64_t n : array.shape) elements *= n;
    EXPECT_EQ(std::ssize(array.values), elements);
  });
}

TEST(MutatedFiles, Expressions) {
  const TemporaryFolder folder;
  put(folder / "a.csv",
      "n,x,t,b,odd name\n1,0.5,abc,true,1\n-9223372036854775808,nan,,false,2\n"
      "9223372036854775807,1e308,7,,3\n0,-0.0,ü,true,\n");
  TableOptions options;
  options.missing = {"", "NA"};
  const auto alone = make_self_communicator();
  TableInput input(*alone, folder / "a.csv", options, folder / "scratch");
  input.settle(*alone, {}, 1 << 30);
  const Table table = input.whole();
  const Mutations mutations(
      {"n / 100 % 7 + 1", "not b and x > 1 or is_missing(t)", "if(t = 'abc', n, -n)", "max(abs(n), round(x))",
       "length(lower(t)) * 2", "`odd name` <= 2", "sqrt(log1p(exp(x)))", "upper(t) != 'ABC'"},
      {"n",     "x",   "t",    "b",     "`odd name`", "(",   ")",
       ",",     "'",   "+",    "-",     "*",          "/",   "%",
       "<",     "=",   "not ", " and ", " or ",       "0",   "9223372036854775807",
       "1e308", "if(", "min(", "ceil(", "floor(",     "log("});
  expect_only_errors(
      mutations, 3000, {ExitStatus::configuration, ExitStatus::bad_data},
      [&](const std::string& text) { EXPECT_TRUE(evaluate(parse_expression(text), text, table)); });
}

}  // namespace
}  // namespace rankflow
