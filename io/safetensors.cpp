#include "io/safetensors.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/json.h"

namespace rankflow {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t largest_header = 100'000'000;  // what Python's reader accepts
constexpr const char* metadata_key = "__metadata__";

struct Element {
  DType dtype;
  const char* name;
};
// In the order in which files hold them: Python's writer sorts by its own list of types, last first.
constexpr std::array<Element, 8> elements = {{{DType::i64, "I64"},
                                              {DType::f64, "F64"},
                                              {DType::f32, "F32"},
                                              {DType::i32, "I32"},
                                              {DType::bf16, "BF16"},
                                              {DType::f16, "F16"},
                                              {DType::u8, "U8"},
                                              {DType::boolean, "BOOL"}}};

std::size_t place(DType dtype) {
  return static_cast<std::size_t>(
      std::find_if(elements.begin(), elements.end(), [&](const Element& e) { return e.dtype == dtype; }) -
      elements.begin());
}

DType dtype_named(const std::string& text) {
  for (const Element& e : elements) {
    if (text == e.name) return e.dtype;
  }
  throw Error(ExitStatus::bad_data, str("its type ", in_quotes(text), " is not supported"),
              "convert it to one of BOOL, U8, I32, I64, F16, BF16, F32, F64");
}

/// nlohmann's parser keeps the last of several equal keys; here that would hide a tensor.
Json parse_header(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw Error(ExitStatus::bad_data,
                  str("its header has ", in_quotes(parsed.get<std::string>()), " twice"));
    }
    return true;
  };
  Json header = Json::parse(text, check);
  if (!header.is_object()) throw Error(ExitStatus::bad_data, "its header is no JSON object");
  return header;
}

struct Place {
  TensorBytes tensor;
  std::uint64_t begin, end;
};

Place place_of(const std::string& name, const Json& entry, std::uint64_t data_bytes) {
  Place p{{name, dtype_named(entry.at("dtype")), {}, nullptr}, 0, 0};
  for (const Json& n : entry.at("shape")) {
    if (!n.is_number_unsigned() || n.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
      throw Error(ExitStatus::bad_data, str("its shape is ", entry.at("shape").dump()));
    p.tensor.shape.push_back(n);
  }
  const Json& offsets = entry.at("data_offsets");
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    throw Error(ExitStatus::bad_data, str("its data_offsets are ", offsets.dump()));
  }
  p.begin = offsets[0], p.end = offsets[1];
  if (p.end > data_bytes)
    throw Error(ExitStatus::bad_data,
                str("it ends at byte ", p.end, " of ", data_bytes, ": the file is cut off"));
  if (p.begin > p.end || p.end - p.begin != p.tensor.bytes())
    throw Error(ExitStatus::bad_data,
                str("its data_offsets ", offsets.dump(), " do not fit its ", p.tensor.bytes(), " bytes"));
  return p;
}

std::vector<Place> places(const Json& header, std::uint64_t data_bytes) {
  std::vector<Place> all;
  for (const auto& [name, entry] : header.items()) {
    if (name == metadata_key) continue;
    try {
      all.push_back(place_of(name, entry, data_bytes));
    } catch (const Error& e) {
      throw Error(ExitStatus::bad_data, str("tensor ", in_quotes(name), ": ", e.message()), e.hint());
    } catch (const Json::exception& e) {
      throw Error(ExitStatus::bad_data, str("tensor ", in_quotes(name), ": ", e.what()));
    }
  }
  std::sort(all.begin(), all.end(), [](const Place& a, const Place& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::uint64_t end = 0;
  for (const Place& p : all) {
    if (p.begin != end)
      throw Error(ExitStatus::bad_data,
                  str("tensor ", in_quotes(p.tensor.name), " begins at byte ", p.begin, ", not at ", end));
    end = p.end;
  }
  if (end != data_bytes)
    throw Error(ExitStatus::bad_data, str("its tensors take ", end, " bytes, and it has ", data_bytes));
  return all;
}

std::string header_text(const std::vector<TensorBytes>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[metadata_key] = metadata;
  std::uint64_t begin = 0;
  for (const TensorBytes& t : tensors) {
    const std::uint64_t end = begin + t.bytes();
    auto& entry = header[t.name];
    if (!entry.is_null() || t.name.empty() || t.name == metadata_key)
      throw Error(ExitStatus::internal, str("no name for a tensor, or one used twice: ", in_quotes(t.name)));
    entry["dtype"] = elements.at(place(t.dtype)).name;
    entry["shape"] = t.shape;
    entry["data_offsets"] = {begin, end};
    begin = end;
  }
  std::string text = header.dump();
  text.append((length_bytes - text.size() % length_bytes) % length_bytes, ' ');  // data are aligned
  return text;
}

}  // namespace

std::uint64_t TensorBytes::bytes() const {
  std::uint64_t total = size_of(dtype);
  for (const std::int64_t n : shape) {
    if (n < 0 || __builtin_mul_overflow(total, static_cast<std::uint64_t>(n), &total))
      throw Error(ExitStatus::bad_data, str("impossible shape ", Json(shape).dump()));
  }
  return total;
}

SafetensorsFile::SafetensorsFile(const std::string& path) : file_(path) {
  try {
    if (file_.size() < length_bytes) throw Error(ExitStatus::bad_data, "it is cut off before its header");
    std::uint64_t length = 0;
    std::memcpy(&length, file_.data(), length_bytes);
    if (length > largest_header || length > file_.size() - length_bytes) {
      throw Error(ExitStatus::bad_data,
                  str("its header would have ", length, " bytes: it is cut off, or no safetensors file"));
    }
    const auto* text = reinterpret_cast<const char*>(file_.data() + length_bytes);
    const Json header = parse_header({text, length});
    if (header.contains(metadata_key)) header.at(metadata_key).get_to(metadata_);
    const std::byte* data = file_.data() + length_bytes + length;
    for (Place& p : places(header, file_.size() - length_bytes - length)) {
      p.tensor.data = data + p.begin;
      tensors_.push_back(std::move(p.tensor));
    }
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data, str(path, " is no safetensors file: ", e.what()));
  } catch (const Error& e) {
    throw Error(ExitStatus::bad_data, str(path, " is no safetensors file that can be used: ", e.message()),
                e.hint());
  }
}

void write_safetensors(const std::string& path, std::vector<TensorBytes> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorBytes& a, const TensorBytes& b) {
    return std::make_tuple(place(a.dtype), std::cref(a.name)) <
           std::make_tuple(place(b.dtype), std::cref(b.name));
  });
  const std::string header = header_text(tensors, metadata);
  const std::uint64_t length = header.size();
  File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  file.write_all({reinterpret_cast<const char*>(&length), length_bytes});
  file.write_all(header);
  for (const TensorBytes& t : tensors) file.write_all({reinterpret_cast<const char*>(t.data), t.bytes()});
  file.close();
}

}  // namespace rankflow
