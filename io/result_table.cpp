#include "io/result_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <limits>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr std::array<const char*, 6> type_names = {"boolean", "byte", "integer", "real32", "real64", "text"};

template <typename T>
constexpr bool is_text = std::is_same_v<T, std::string>;

void encode(const std::vector<std::string>& texts, std::string& out) {
  for (const auto& text : texts) {
    if (text.size() > std::numeric_limits<std::uint32_t>::max())
      throw Error(ExitStatus::bad_data,
                  str("a result of ", human_bytes(static_cast<double>(text.size())), " is too long"));
    const auto length = static_cast<std::uint32_t>(text.size());
    out.append(reinterpret_cast<const char*>(&length), sizeof length);
  }
  for (const auto& text : texts) out += text;
}

/// Takes bytes off the front of what is left.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  std::string_view take(std::size_t bytes) {
    if (bytes > left_.size()) throw Error(ExitStatus::bad_data, "results in a shard are cut off");
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }
  template <typename T>
  void read(std::vector<T>& values) {
    const auto bytes = take(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  }
  void read(std::vector<std::string>& texts) {
    std::vector<std::uint32_t> lengths(texts.size());
    read(lengths);
    for (std::size_t i = 0; i < texts.size(); ++i) texts[i] = take(lengths[i]);
  }
  bool at_end() const { return left_.empty(); }

 private:
  std::string_view left_;
};

}  // namespace

const char* name(ResultType type) {
  return type_names[static_cast<std::size_t>(type)];
}

ResultColumn plain_column(std::string name, ResultType type, std::vector<std::string> categories) {
  return {name, type, false, {name}, std::move(categories)};
}

Json to_json(const ResultSchema& schema) {
  Json all = Json::array();
  for (const ResultColumn& c : schema) {
    all.push_back({{"name", c.name},
                   {"type", name(c.type)},
                   {"matrix", c.matrix},
                   {"labels", c.labels},
                   {"categories", c.categories}});
  }
  return all;
}

ResultSchema result_schema(const Json& json) {
  ResultSchema schema;
  for (const Json& c : json) {
    const auto type = std::find(type_names.begin(), type_names.end(), c.at("type").get<std::string>());
    if (type == type_names.end())
      throw Error(ExitStatus::bad_data, str("unknown type ", c.at("type").dump()));
    schema.push_back({c.at("name"), static_cast<ResultType>(type - type_names.begin()), c.at("matrix"),
                      c.at("labels"), c.at("categories")});
  }
  return schema;
}

std::size_t bytes_of(ResultType type) {
  switch (type) {
    case ResultType::boolean:
    case ResultType::byte:
      return 1;
    case ResultType::real32:
      return 4;
    case ResultType::integer:
    case ResultType::real64:
      return 8;
    case ResultType::text:
      break;
  }
  return 0;
}

ResultValues no_values(ResultType type) {
  switch (type) {
    case ResultType::boolean:
    case ResultType::byte:
      return std::vector<std::uint8_t>();
    case ResultType::integer:
      return std::vector<std::int64_t>();
    case ResultType::real32:
      return std::vector<float>();
    case ResultType::real64:
      return std::vector<double>();
    case ResultType::text:
      break;
  }
  return std::vector<std::string>();
}

void ResultTable::append(ResultTable&& more) {
  rows += more.rows;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    std::visit(
        [&](auto& mine) {
          auto& theirs = std::get<std::decay_t<decltype(mine)>>(more.columns[c]);
          if (mine.empty())
            mine = std::move(theirs);
          else
            mine.insert(mine.end(), std::make_move_iterator(theirs.begin()),
                        std::make_move_iterator(theirs.end()));
        },
        columns[c]);
  }
}

ResultTable ResultTable::slice(const ResultSchema& schema, std::int64_t begin, std::int64_t end) const {
  ResultTable part{end - begin, {}};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const auto width = static_cast<std::ptrdiff_t>(schema[c].width());
    std::visit(
        [&](const auto& values) {
          part.columns.emplace_back(
              std::decay_t<decltype(values)>(values.begin() + begin * width, values.begin() + end * width));
        },
        columns[c]);
  }
  return part;
}

ResultTable empty_table(const ResultSchema& schema) {
  ResultTable table;
  for (const ResultColumn& c : schema) table.columns.push_back(no_values(c.type));
  return table;
}

std::string encoded(const ResultTable& table) {
  std::string out;
  for (const ResultValues& column : table.columns) {
    std::visit(
        [&](const auto& values) {
          using T = typename std::decay_t<decltype(values)>::value_type;
          if constexpr (is_text<T>)
            encode(values, out);
          else
            out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
        },
        column);
  }
  return out;
}

ResultTable decoded(const ResultSchema& schema, std::int64_t rows, std::string_view bytes) {
  ResultTable table = empty_table(schema);
  table.rows = rows;
  Reader reader(bytes);
  for (std::size_t c = 0; c < schema.size(); ++c) {
    std::visit(
        [&](auto& values) {
          values.resize(static_cast<std::size_t>(rows) * schema[c].width());
          reader.read(values);
        },
        table.columns[c]);
  }
  if (!reader.at_end()) throw Error(ExitStatus::bad_data, "a shard has more bytes than results");
  return table;
}

}  // namespace rankflow
