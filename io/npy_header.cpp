#include "io/npy_header.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr std::size_t most_fields = 4096, most_dimensions = 32;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ExitStatus::bad_data, what);
}

/// Reads the literals that NumPy writes: a dictionary of texts, True and False, integers, tuples and lists of these.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void need(char c) {
    if (!take(c)) fail(str("its header has no \"", c, "\" at character ", at_ + 1));
  }
  bool at_text() {
    skip_blanks();
    return at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"');
  }
  std::string text() {
    if (!at_text()) fail(str("its header has no text at character ", at_ + 1));
    const char quote = text_[at_++];
    const auto end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("a text in its header has no end");
    std::string out(text_.substr(at_, end - at_));
    if (out.find('\\') != std::string::npos) fail("a name in its header has a backslash");
    at_ = end + 1;
    return out;
  }
  std::int64_t integer() {
    skip_blanks();
    std::int64_t value = 0;
    const std::size_t first = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
          __builtin_add_overflow(value, std::int64_t{text_[at_] - '0'}, &value))
        fail("its header has an impossible size");
    }
    if (at_ == first) fail(str("its header has no number at character ", at_ + 1));
    return value;
  }
  bool boolean() {
    skip_blanks();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail(str("its header has neither True nor False at character ", at_ + 1));
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

/// "<f4" as a field without name and place.
NpyField field_of(const std::string& descr) {
  const std::string shown = in_quotes(descr);
  if (descr.size() < 2 || descr.find('O') != std::string::npos)
    fail(str("its items are Python objects (", shown, "); only numbers are read"));
  NpyField field;
  const bool has_order = descr[0] == '<' || descr[0] == '>' || descr[0] == '|' || descr[0] == '=';
  field.big_endian = descr[0] == '>';
  field.kind = descr[has_order ? 1 : 0];
  const std::string size = descr.substr(has_order ? 2 : 1);
  field.bytes = size.size() == 1 && size[0] >= '1' && size[0] <= '8' ? size[0] - '0' : 0;
  const auto allowed = [&]() -> std::vector<int> {
    switch (field.kind) {
      case 'b':
        return {1};
      case 'i':
      case 'u':
        return {1, 2, 4, 8};
      case 'f':
        return {2, 4, 8};
      default:
        return {};
    }
  }();
  if (std::find(allowed.begin(), allowed.end(), field.bytes) == allowed.end())
    fail(str("its items are of type ", shown,
             "; booleans, integers and floating point of up to 8 bytes are read"));
  return field;
}

void read_fields(Cursor& cursor, NpyHeader& header) {
  header.structured = true;
  while (!cursor.take(']')) {
    if (header.fields.size() == most_fields) fail(str("its items have more than ", most_fields, " fields"));
    cursor.need('(');
    std::string name = cursor.text();
    cursor.need(',');
    if (!cursor.at_text()) fail(str("field ", in_quotes(name), " of its items has fields itself"));
    NpyField field = field_of(cursor.text());
    cursor.take(',');
    if (!cursor.take(')')) fail(str("field ", in_quotes(name), " of its items is an array"));
    cursor.take(',');
    field.name = std::move(name);
    field.offset = header.item_bytes;
    header.item_bytes += field.bytes;
    header.fields.push_back(std::move(field));
  }
  if (header.fields.empty()) fail("its items have no field");
}

void read_descr(Cursor& cursor, NpyHeader& header) {
  if (cursor.take('[')) return read_fields(cursor, header);
  header.fields = {field_of(cursor.text())};
  header.item_bytes = header.fields[0].bytes;
}

void read_shape(Cursor& cursor, NpyHeader& header) {
  cursor.need('(');
  while (!cursor.take(')')) {
    if (header.shape.size() == most_dimensions)
      fail(str("it has more than ", most_dimensions, " dimensions"));
    header.shape.push_back(cursor.integer());
    cursor.take(',');
  }
}

}  // namespace

std::int64_t NpyHeader::data_bytes() const {
  std::int64_t bytes = item_bytes;
  for (const std::int64_t n : shape) {
    if (__builtin_mul_overflow(bytes, n, &bytes)) fail("its header has an impossible size");
  }
  return bytes;
}

std::int64_t npy_data_offset(std::string_view start) {
  if (!start.starts_with(magic)) fail("is no .npy file");
  if (start.size() < 12) fail("is cut off in its header");
  const int version = start[6];
  if (version < 1 || version > 3) fail(str("is of version ", version, " of the format; 1 to 3 are known"));
  const auto byte = [&](std::size_t i) { return std::int64_t{static_cast<std::uint8_t>(start[i])}; };
  if (version == 1) return 10 + (byte(8) | byte(9) << 8);
  return 12 + (byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24);
}

NpyHeader parse_npy_header(std::string_view bytes) {
  const std::int64_t end = npy_data_offset(bytes);
  if (std::ssize(bytes) < end) fail("is cut off in its header");
  Cursor cursor(
      bytes.substr(bytes[6] == 1 ? 10 : 12, static_cast<std::size_t>(end) - (bytes[6] == 1 ? 10 : 12)));
  NpyHeader header;
  header.data_offset = end;
  bool shape = false;
  cursor.need('{');
  while (!cursor.take('}')) {
    const std::string key = cursor.text();
    cursor.need(':');
    if (key == "descr")
      header.fields.clear(), header.item_bytes = 0, read_descr(cursor, header);
    else if (key == "fortran_order")
      header.fortran_order = cursor.boolean();
    else if (key == "shape")
      header.shape.clear(), read_shape(cursor, header), shape = true;
    else
      fail(str("its header has the key ", in_quotes(key)));
    cursor.take(',');
  }
  if (header.fields.empty() || !shape) fail("its header lacks the type or the shape");
  header.data_bytes();
  return header;
}

}  // namespace rankflow
