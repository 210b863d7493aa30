#include "io/table_input.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "collectives/agreement.h"
#include "io/json.h"
#include "io/table_columns.h"
#include "io/table_facts.h"
#include "io/table_formats.h"

namespace rankflow {
namespace {

/// Every rank's lines, in the order of the ranks.
std::vector<std::string> gather_lines(Communicator& comm, const std::vector<std::string>& mine) {
  std::vector<std::string> all;
  for (const std::string& text : comm.all_gather_text(Json(mine).dump())) {
    for (const Json& line : Json::parse(text)) all.push_back(line);
  }
  return all;
}

}  // namespace

TableInput::TableInput(Communicator& comm, const std::string& path, const TableOptions& options,
                       const std::string& scratch, const Recognise& recognise)
    : options_(options) {
  find_files(comm, path);
  known_ = recognise ? recognise(files_) : std::vector<Json>(files_.size());
  unpack_files(comm, scratch);
  cut_files(comm);
}

void TableInput::find_files(Communicator& comm, const std::string& path) {
  Json found = Json::array();
  run_together(comm, [&] {
    if (comm.rank() != 0) return;
    for (const InputFile& f : find_input_files(path, options_.files)) {
      if (!is_utf8(f.name))
        throw Error(ExitStatus::bad_data,
                    str(path, ": the name of the file ", in_quotes(f.name.substr(f.name.rfind('/') + 1)),
                        " is not UTF-8"),
                    "rename it");
      found.push_back(
          {f.name, f.stamp.device, f.stamp.inode, f.stamp.size, f.stamp.mtime_ns, f.stamp.ctime_ns});
    }
  });
  for (const Json& f : Json::parse(comm.broadcast_text(found.dump()))) {
    const FileStamp stamp{f.at(1), f.at(2), f.at(3), f.at(4), f.at(5)};
    files_.push_back({f.at(0), f.at(0), stamp.size, stamp});
  }
}

void TableInput::check_encoding(const std::string& file) const {
  const TableFormat& format = format_of_table(file, options_.format);
  if (!format.text && !is_utf8_encoding(options_.encoding))
    throw Error(ExitStatus::configuration,
                str("`encoding` is for text, and ", file, " is of the format ", format.name), "leave it out");
}

void TableInput::unpack_files(Communicator& comm, const std::string& scratch) {
  std::vector<std::int64_t> plain_sizes(files_.size(), 0);  // 0: read as it is
  auto place = [&](std::size_t i) { return str(scratch, "/plain-", i); };
  run_together(comm, [&] {
    for (std::size_t i = static_cast<std::size_t>(comm.rank()); i < files_.size();
         i += static_cast<std::size_t>(comm.size())) {
      check_encoding(files_[i].name);
      if (is_known(i) || !needs_unpacking(files_[i], options_.encoding)) continue;
      make_directories(scratch);
      plain_sizes[i] = static_cast<std::int64_t>(unpack(files_[i], options_.encoding, place(i)).size) + 1;
    }
  });
  comm.all_reduce(std::span(plain_sizes), ReduceOp::sum);
  std::int64_t total = 0;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (plain_sizes[i] > 0) {
      files_[i].path = place(i);
      files_[i].size = static_cast<std::uint64_t>(plain_sizes[i] - 1);
    }
    total += static_cast<std::int64_t>(files_[i].size);
  }
  // Larger pieces for huge tables, or the list of pieces would be huge, too.
  const std::int64_t least = ceil_div(total, 1 << 16);
  if (least > options_.piece_bytes) options_.piece_bytes = ceil_div(least, 1 << 20) << 20;
}

void TableInput::cut_files(Communicator& comm) {
  const auto mine = partition(static_cast<std::int64_t>(files_.size()), comm.size(), comm.rank());
  std::vector<std::string> facts, lines;
  run_together(comm, [&] {
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      if (const auto index = static_cast<std::size_t>(i); is_known(index)) {
        facts.push_back(known_[index].at("facts").get<std::string>());
        continue;
      }
      const TableFile& f = file(static_cast<std::int32_t>(i));
      facts.push_back(FileFacts{f.blocks(), f.same_columns(), f.columns()}.packed().dump());
    }
  });
  lines = gather_lines(comm, facts);
  run_together(comm, [&] { learn_columns(comm, lines); });

  std::vector<std::int64_t> first_block{0};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    FileFacts said = FileFacts::unpacked(Json::parse(lines[i]));
    first_block.push_back(first_block.back() + (is_known(i) ? 0 : said.blocks));
    said.blocks = 0;
    facts_.push_back(said.packed().dump());
  }
  const Range blocks = partition(first_block.back(), comm.size(), comm.rank());
  std::string scans;  // each with its length before it
  run_together(comm, [&] {
    std::size_t f = 0;
    for (std::int64_t b = blocks.begin; b < blocks.end; ++b) {
      while (b >= first_block[f + 1]) ++f;
      const std::string scan = file(static_cast<std::int32_t>(f)).scan(b - first_block[f]);
      const auto length = static_cast<std::uint32_t>(scan.size());
      scans.append(reinterpret_cast<const char*>(&length), sizeof(length)).append(scan);
    }
  });
  std::vector<std::string> all;
  for (const std::string& text : comm.all_gather_text(scans)) {
    for (std::size_t at = 0; at < text.size();) {
      std::uint32_t length = 0;
      std::copy_n(text.data() + at, sizeof(length), reinterpret_cast<char*>(&length));
      all.push_back(text.substr(at + sizeof(length), length));
      at += sizeof(length) + length;
    }
  }
  std::vector<Piece> cut;
  run_together(comm, [&] {
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      if (is_known(static_cast<std::size_t>(i))) continue;
      const std::span scans_of(all.data() + first_block[static_cast<std::size_t>(i)],
                               all.data() + first_block[static_cast<std::size_t>(i) + 1]);
      for (const TablePiece& piece : file(static_cast<std::int32_t>(i)).cut(scans_of))
        cut.push_back({static_cast<std::int32_t>(i), piece});
    }
  });
  pieces_ = comm.all_gather_vector<Piece>(cut);
  unit_ = std::max<std::int64_t>(1, ceil_div(pieces(), most_units));
  const Range units_of_mine = partition(units(), comm.size(), comm.rank());
  mine_ = {std::min(pieces(), units_of_mine.begin * unit_), std::min(pieces(), units_of_mine.end * unit_)};
}

void TableInput::learn_columns(Communicator&, const std::vector<std::string>& lines) {
  std::optional<FileFacts> first;
  bool complete = true;
  std::size_t first_file = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const FileFacts facts = FileFacts::unpacked(Json::parse(lines[i]));
    complete = complete && facts.same_columns;
    if (!facts.same_columns) continue;
    if (first) {
      check_same_columns(*first, facts, files_[first_file].name, files_[i].name, options_.types);
    } else {
      first = facts;
      first_file = i;
    }
  }
  if (!complete || !first) return;
  for (const TableColumn& c : first->columns) known_names_.push_back(c.name);
}

TableFile& TableInput::file(std::int32_t index) {
  if (open_index_ != index) {
    open_ = open_table_file(files_[static_cast<std::size_t>(index)], options_);
    open_index_ = index;
  }
  return *open_;
}

Table TableInput::read_file(std::int64_t piece, const ReadRequest& request) {
  const Piece& p = pieces_[static_cast<std::size_t>(piece)];
  return file(p.file).read(p.part, request);
}

void TableInput::settle(Communicator& comm, const std::vector<std::string>& columns, std::int64_t budget) {
  columns_ = columns;
  std::map<std::int32_t, FoundColumns> found;  // by file
  std::map<std::string, std::int64_t> values;
  std::vector<std::int64_t> rows;
  run_together(comm, [&] {
    std::int64_t kept = 0;
    for (std::int64_t p = mine_.begin; p < mine_.end; ++p) {
      Table table = read_file(p, {columns_, options_.types, -1});
      rows.push_back(table.rows());
      const std::int32_t index = pieces_[static_cast<std::size_t>(p)].file;
      for (const std::string& name : table.names()) {
        const bool blank = file(index).blanks_fit_any_type() && is_all_blank(*table.at(name));
        const bool nothing = options_.types.count(name) == 0 && (blank || is_all_missing(*table.at(name)));
        found[index].add(name, nothing ? std::nullopt : std::optional(table.type(name)));
        values[name] += nothing ? 0 : number_of_values(*table.at(name));
      }
      found[index].left_out.merge(file(index).left_out());
      kept += bytes_of(table);
      if (kept <= budget) kept_.emplace(p, std::move(table));
    }
  });
  count_rows(comm, rows);
  count_values(comm, values);
  keep_types(comm, found);
  run_together(comm, [&] {
    for (const auto& [name, type] : options_.types) {
      if (types_.count(name) == 0 && (columns_.empty() || std::count(columns_.begin(), columns_.end(), name)))
        throw Error(
            ExitStatus::configuration,
            str("`schema` declares \"", name, "\", but there is no such column", did_you_mean(name, names_)));
    }
    if (rows_ == 0)
      throw Error(
          ExitStatus::bad_data,
          str(files_.front().name, files_.size() > 1 ? " and the other files have" : " has", " no rows"));
    for (auto& [p, table] : kept_) table = conform(p, std::move(table));
  });
}

void TableInput::count_rows(Communicator& comm, const std::vector<std::int64_t>& mine) {
  piece_rows_ = comm.all_gather_vector<std::int64_t>(mine);
  std::size_t p = 0;
  for (std::size_t f = 0; f < files_.size(); ++f) {
    std::int64_t in_file = is_known(f) ? known_[f].at("rows").get<std::int64_t>() : 0;
    for (; p < pieces_.size() && pieces_[p].file == static_cast<std::int32_t>(f); ++p) {
      first_rows_.push_back(rows_ + in_file);
      first_in_file_.push_back(in_file);
      in_file += piece_rows_[p];
    }
    file_rows_.push_back(rows_ += in_file);
  }
}

void TableInput::count_values(Communicator& comm, const std::map<std::string, std::int64_t>& mine) {
  for (const std::string& text : comm.all_gather_text(Json(mine).dump())) {
    const auto counts = Json::parse(text).get<std::map<std::string, std::int64_t>>();
    for (const auto& [name, count] : counts) values_[name] += count;
  }
}

bool TableInput::may_be_missing(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() || found->second < rows_;
}

void TableInput::keep_types(Communicator& comm, const std::map<std::int32_t, FoundColumns>& mine) {
  Json json = Json::array();
  for (const auto& [file, found] : mine) json.push_back({file, found.packed()});
  std::vector<FoundColumns> of_file(files_.size());
  for (const std::string& text : comm.all_gather_text(json.dump())) {
    for (const Json& file : Json::parse(text)) of_file[file.at(0).get<std::size_t>()].add(file.at(1));
  }
  FoundColumns all;
  for (std::size_t f = 0; f < files_.size(); ++f) {
    const Json found =
        is_known(f) ? Json::parse(known_[f].at("found").get<std::string>()) : of_file[f].packed();
    found_.push_back(found.dump());
    all.add(found);
  }
  for (const auto& [name, found] : all.types) {
    const auto earlier = options_.earlier_types.find(name);
    types_[name] = earlier == options_.earlier_types.end() ? found.value_or(ColumnType::real)
                                                           : type_like_earlier(earlier->second, found);
    // So that pieces which are read again are read once.
    if (found && (types_[name] == ColumnType::text || must_be_read_again(*found, types_[name])))
      options_.types[name] = types_[name];
  }
  run_together(comm, [&] { leave_out(all); });
  for (const std::string& name : all.names) {
    if (all.left_out.count(name) == 0) names_.push_back(name);
  }
}

void TableInput::leave_out(const FoundColumns& found) {
  for (const auto& [name, type] : found.left_out) {
    const std::string what = str(files_.front().name, files_.size() > 1 ? " and the other files" : "",
                                 ": column \"", name, "\" holds values of type ", type);
    const auto other = found.types.find(name);
    if (other != found.types.end() && other->second)
      throw Error(ExitStatus::bad_data,
                  str(what, " in some rows, and ", rankflow::name(*other->second), " in others"),
                  "give a column one type");
    left_out_[name] = what;
  }
}

std::vector<std::string> TableInput::left_out() const {
  std::vector<std::string> sentences;
  for (const auto& [name, what] : left_out_) {
    if (columns_.empty()) sentences.push_back(what + ", which a table can't hold: it is left out");
  }
  return sentences;
}

Json TableInput::knowledge(std::size_t file) const {
  return {{"rows", rows_of_file(file).size()}, {"facts", facts_[file]}, {"found", found_[file]}};
}

Json TableInput::columns() const {
  Json columns = Json::array();
  for (const std::string& name : names_) columns.push_back({name, static_cast<int>(types_.at(name))});
  return columns;
}

Table TableInput::conform(std::int64_t piece, Table table) {
  const auto index = static_cast<std::size_t>(piece);
  const std::string& path = files_[static_cast<std::size_t>(pieces_[index].file)].name;
  ReadRequest request{columns_, options_.types, first_in_file_[index]};
  bool again = false;
  for (const std::string& name : table.names()) {
    const bool lost = options_.types.count(name) > 0 && table.type(name) != types_.at(name) &&
                      !is_all_missing(*table.at(name));
    if (lost) request.types[name] = types_.at(name);
    again = again || lost;
  }
  if (again) table = read_file(piece, request);
  std::vector<Column> columns;
  for (const std::string& name : names_) {
    // Empty texts among numbers: they are nowhere else text where others are not.
    const bool blank =
        table.has(name) && types_.at(name) != ColumnType::text && is_all_blank(*table.at(name));
    columns.push_back(table.has(name) && !blank
                          ? with_type(table.at(name), types_.at(name), str(path, ": column \"", name, "\""))
                          : missing_column(types_.at(name), table.rows()));
  }
  return Table({{path, table.rows(), first_in_file_[index]}}, names_, std::move(columns), left_out_);
}

Table TableInput::read(std::int64_t piece) {
  if (const auto it = kept_.find(piece); it != kept_.end()) return it->second;
  const auto index = static_cast<std::size_t>(piece);
  Table table = read_file(piece, {columns_, options_.types, first_in_file_[index]});
  if (table.rows() != piece_rows_[index]) {
    rankflow::check_unchanged(files_[static_cast<std::size_t>(pieces_[index].file)]);
    throw Error(ExitStatus::bad_data, str(files_[static_cast<std::size_t>(pieces_[index].file)].name,
                                          " changed while it was read"));
  }
  return conform(piece, std::move(table));
}

Table TableInput::without_rows() const {
  std::vector<Column> columns;
  for (const std::string& name : names_) columns.push_back(missing_column(types_.at(name), 0));
  return Table({}, names_, std::move(columns), left_out_);
}

Table TableInput::whole() {
  std::vector<TablePlace> places;
  std::map<std::string, std::vector<Column>> pieces;
  for (std::int64_t p = mine_.begin; p < mine_.end; ++p) {
    const Table table = read(p);
    places.push_back({files_[static_cast<std::size_t>(pieces_[static_cast<std::size_t>(p)].file)].name,
                      table.rows(), first_in_file_[static_cast<std::size_t>(p)]});
    for (const std::string& name : names_) pieces[name].push_back(table.at(name));
  }
  std::vector<Column> columns;
  for (const std::string& name : names_) columns.push_back(joined(pieces[name]));
  return Table(std::move(places), names_, std::move(columns), left_out_);
}

void TableInput::check_unchanged(Communicator& comm) const {
  run_together(comm, [&] {
    for (std::size_t i = static_cast<std::size_t>(comm.rank()); i < files_.size();
         i += static_cast<std::size_t>(comm.size()))
      rankflow::check_unchanged(files_[i]);
  });
}

}  // namespace rankflow
