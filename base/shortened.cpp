#include "base/shortened.h"

#include "base/text.h"

namespace rankflow {
namespace {

constexpr int longest_character = 4;

/// A byte of a UTF-8 character that is not its first.
bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

std::string_view last_part(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  text.remove_prefix(text.size() - most);
  for (int byte = 1; byte < longest_character && !text.empty() && continues(text.front()); ++byte)
    text.remove_prefix(1);
  return text;
}

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t kept = most / 2;
  for (int byte = 1; byte < longest_character && kept > 0 && continues(text[kept]); ++byte) --kept;
  const std::string_view end = last_part(text, most - most / 2);
  const std::size_t left_out = text.size() - kept - end.size();
  return str(text.substr(0, kept), " … (", human_bytes(static_cast<double>(left_out)), " left out) … ", end);
}

}  // namespace rankflow
