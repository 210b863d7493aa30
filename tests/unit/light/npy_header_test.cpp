#include "io/npy_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string npy(const std::string& dictionary, char version = 1) {
  std::string out("\x93NUMPY", 6);
  out += version;
  out += '\0';
  out += static_cast<char>(dictionary.size() & 0xff);
  out += static_cast<char>(dictionary.size() >> 8);
  if (version > 1) out += std::string(2, '\0');
  return out + dictionary;
}

std::string error(const std::string& bytes) {
  try {
    parse_npy_header(bytes);
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
    return e.message();
  }
  return "no error";
}

TEST(NpyHeader, SaysTypeShapeAndOrder) {
  const std::string bytes = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), }   \n");
  const NpyHeader header = parse_npy_header(bytes);
  EXPECT_THAT(header.shape, ElementsAre(60000, 784));
  EXPECT_FALSE(header.fortran_order);
  EXPECT_EQ(header.fields[0].kind, 'f');
  EXPECT_EQ(header.fields[0].bytes, 4);
  EXPECT_EQ(header.data_offset, std::ssize(bytes));
  EXPECT_EQ(header.data_bytes(), 60000 * 784 * 4);
  EXPECT_THAT(parse_npy_header(npy("{'descr': '|b1', 'fortran_order': True, 'shape': (3,)}", 3)).shape,
              ElementsAre(3));
}

TEST(NpyHeader, SaysTheFieldsOfStructuredTypes) {
  const NpyHeader header = parse_npy_header(
      npy("{'descr': [('a', '<i8'), ('b', '>u2')], 'fortran_order': False, 'shape': (5,), }"));
  ASSERT_EQ(header.fields.size(), 2u);
  EXPECT_EQ(header.fields[1].name, "b");
  EXPECT_TRUE(header.fields[1].big_endian);
  EXPECT_EQ(header.fields[1].offset, 8);
  EXPECT_EQ(header.item_bytes, 10);
}

TEST(NpyHeader, RefusesWhatItDoesNotKnow) {
  const auto of_type = [](const std::string& descr) {
    return npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': (5,)}");
  };
  EXPECT_THAT(error("hello, I am a text"), HasSubstr("no .npy file"));
  EXPECT_THAT(error(npy("{}").substr(0, 9)), HasSubstr("cut off"));
  EXPECT_THAT(error(npy(std::string(40, ' ')).substr(0, 30)), HasSubstr("cut off"));
  EXPECT_THAT(error(npy("{}", 9)), HasSubstr("version 9"));
  EXPECT_THAT(error(npy("{}")), HasSubstr("lacks"));
  EXPECT_THAT(error(of_type("'|O'")), HasSubstr("Python objects"));
  EXPECT_THAT(error(of_type("'<U8'")), HasSubstr("\"<U8\""));
  EXPECT_THAT(error(of_type("'<c8'")), HasSubstr("\"<c8\""));
  EXPECT_THAT(error(of_type("[('a', '<f4', (2,))]")), HasSubstr("is an array"));
  EXPECT_THAT(error(of_type("[]")), HasSubstr("no field"));
  EXPECT_THAT(error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4)}")),
              HasSubstr("impossible size"));
  EXPECT_THAT(error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}")),
              HasSubstr("impossible size"));
  EXPECT_THAT(error(npy("{'descr': '<f8', 'shape': (1,), 'evil': __import__}")), HasSubstr("\"evil\""));
  EXPECT_THAT(error(npy("{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,)}")),
              HasSubstr("True nor False"));
  EXPECT_THAT(error(npy("{'descr': '<f8")), HasSubstr("no end"));
}

}  // namespace
}  // namespace rankflow
