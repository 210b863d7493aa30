#include "io/result_table.h"

#include <cstring>
#include <iterator>
#include <limits>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

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
                   {"categories", c.categories},
                   {"gaps", c.gaps}});
  }
  return all;
}

ResultSchema result_schema(const Json& json) {
  ResultSchema schema;
  for (const Json& c : json) {
    schema.push_back({c.at("name"), result_type(c.at("type").get<std::string>()), c.at("matrix"),
                      c.at("labels"), c.at("categories"), c.at("gaps")});
  }
  return schema;
}

std::optional<ResultSchema> common_schema(const ResultSchema& a, const ResultSchema& b) {
  if (a.size() != b.size()) return std::nullopt;
  ResultSchema common = a;
  for (std::size_t c = 0; c < a.size(); ++c) {
    const auto type = common_type(a[c].type, b[c].type);
    if (!type || a[c].name != b[c].name || a[c].labels != b[c].labels || a[c].categories != b[c].categories)
      return std::nullopt;
    common[c].gaps = a[c].gaps || b[c].gaps || (a[c].type != b[c].type && *type != ResultType::real64);
    common[c].type = *type;
  }
  return common;
}

std::string described(const ResultSchema& schema) {
  std::vector<std::string> columns;
  for (const ResultColumn& c : schema) columns.push_back(str(c.name, " (", name(c.type), ")"));
  return join(columns, ", ");
}

void ResultTable::append(ResultTable&& more) {
  if (missing.size() < more.missing.size()) missing.resize(more.missing.size());
  for (std::size_t c = 0; c < missing.size(); ++c) {
    const bool theirs = c < more.missing.size() && !more.missing[c].empty();
    if (missing[c].empty() && !theirs) continue;
    missing[c].resize(static_cast<std::size_t>(rows));
    if (theirs) missing[c].insert(missing[c].end(), more.missing[c].begin(), more.missing[c].end());
    missing[c].resize(static_cast<std::size_t>(rows + more.rows));
  }
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
  for (const auto& of_column : missing) {
    if (of_column.empty())
      part.missing.emplace_back();
    else
      part.missing.emplace_back(of_column.begin() + begin, of_column.begin() + end);
  }
  return part;
}

ResultTable empty_table(const ResultSchema& schema) {
  ResultTable table;
  for (const ResultColumn& c : schema) table.columns.push_back(no_values(c.type));
  return table;
}

ResultTable with_schema(ResultTable table, const ResultSchema& own, const ResultSchema& wanted) {
  table.missing.resize(own.size());
  for (std::size_t c = 0; c < own.size(); ++c) {
    if (own[c].type == wanted[c].type) continue;
    if (has_no_values(own[c].type)) table.missing[c].assign(static_cast<std::size_t>(table.rows), 1);
    table.columns[c] = values_as(wanted[c].type, own[c].type, std::move(table.columns[c]), table.missing[c]);
  }
  return table;
}

std::string encoded(const ResultSchema& schema, const ResultTable& table) {
  std::string out;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    const bool says_missing = c < table.missing.size() && !table.missing[c].empty();
    out += static_cast<char>(schema[c].type);
    out += static_cast<char>(says_missing);
    if (says_missing)
      out.append(reinterpret_cast<const char*>(table.missing[c].data()), table.missing[c].size());
    std::visit(
        [&](const auto& values) {
          using T = typename std::decay_t<decltype(values)>::value_type;
          if constexpr (is_text<T>)
            encode(values, out);
          else
            out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
        },
        table.columns[c]);
  }
  return out;
}

ResultTable decoded(const ResultSchema& schema, std::int64_t rows, std::string_view bytes) {
  ResultSchema own = schema;
  ResultTable table{rows, {}, std::vector<std::vector<std::uint8_t>>(schema.size())};
  Reader reader(bytes);
  for (std::size_t c = 0; c < schema.size(); ++c) {
    const std::string_view head = reader.take(2);
    if (head[0] < 0 || head[0] > static_cast<char>(ResultType::nan))
      throw Error(ExitStatus::bad_data, "results in a shard have a type that there isn't");
    own[c].type = static_cast<ResultType>(head[0]);
    if (common_type(own[c].type, schema[c].type) != schema[c].type)
      throw Error(ExitStatus::bad_data, str("results in a shard are of type ", name(own[c].type),
                                            " in place of ", name(schema[c].type)));
    if (head[1] != 0) {
      table.missing[c].resize(static_cast<std::size_t>(rows));
      reader.read(table.missing[c]);
    }
    table.columns.push_back(no_values(own[c].type));
    std::visit(
        [&](auto& values) {
          values.resize(static_cast<std::size_t>(rows) * schema[c].width());
          reader.read(values);
        },
        table.columns[c]);
  }
  if (!reader.at_end()) throw Error(ExitStatus::bad_data, "a shard has more bytes than results");
  return with_schema(std::move(table), own, schema);
}

}  // namespace rankflow
