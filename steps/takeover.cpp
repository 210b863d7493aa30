#include "steps/takeover.h"

#include <algorithm>
#include <map>

#include "io/carried.h"
#include "steps/known_files.h"
#include "steps/rows_learner.h"

namespace rankflow {
namespace {

// Source rows of a known file that are taken over at once.
constexpr std::int64_t rows_at_once = 1 << 17;

/// Beside the content, what a file's format and compression may hang on: ".csv.gz" of "data/part-1.csv.gz".
std::string suffix_of(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto dot = name.find('.');
  return dot == std::string::npos ? "" : name.substr(dot);
}

}  // namespace

std::string obstacle_to_takeover(const StepContext& context, const Json& known, const TableRecipe& recipe) {
  if (context.parameters.contains("entry_script")) return "the rows come from a script that sees all files";
  if (context.inputs.contains("target")) return "the input `target` belongs to the table as a whole";
  if (known.is_null() && !wants_nothing_learnt(context.parameters))
    return "scaling, categories and classes are learnt from all rows (the input `statistics` would say them; "
           "classes alone: the key `classes`)";
  return recipe.what_needs_all_rows();
}

Takeover::Takeover(StepContext& context, std::string obstacle)
    : context_(context), obstacle_(std::move(obstacle)) {
  if (context.earlier && obstacle_.empty()) earlier_ = context.earlier->notes;
}

std::vector<Json> Takeover::recognise(const std::vector<InputFile>& files) {
  std::vector<Json> known(files.size());
  if (!obstacle_.empty()) return known;
  if (files_.empty()) {
    std::vector<std::string> paths;
    for (const InputFile& file : files) paths.push_back(file.name);
    const auto digests = digests_of(context_.comm, paths);
    for (std::size_t i = 0; i < files.size(); ++i) files_.push_back({digests[i], suffix_of(paths[i])});
  }
  if (earlier_.is_null() || unfit_) return known;
  const Json& before = earlier_.at("files");
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  for (std::size_t i = 0; i < before.size(); ++i)
    places.emplace(std::pair(before[i].at("digest"), before[i].at("suffix")), i);
  entries_.assign(files.size(), before.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto found = places.find({files_[i].digest, files_[i].suffix});
    if (found == places.end()) continue;
    entries_[i] = found->second;
    const Json& file = before[found->second];
    known[i] = earlier_.at("kinds").at(file.at("kind").get<std::size_t>());
    known[i]["rows"] = file.at("rows");
  }
  return known;
}

bool Takeover::fits(const TableInput& input) {
  if (unfit_ || entries_.empty() || input.columns() == earlier_.at("columns")) return true;
  unfit_ = true;
  entries_.clear();
  return false;
}

void Takeover::open(const TableInput& input, const std::vector<std::string>& splits) {
  shifts_.assign(input.files().size(), 0);
  for (std::size_t f = 0; f < entries_.size(); ++f) {
    if (!input.is_known(f)) continue;
    shifts_[f] = entry(f).at("first").get<std::int64_t>() - input.rows_of_file(f).begin;
    if (rows_) continue;
    std::vector<std::string> folders;
    for (const std::string& split : splits) folders.push_back(context_.earlier->outputs.at(split));
    rows_ = std::make_unique<EarlierRows>(folders);
  }
}

std::vector<Share> Takeover::shares(const TableInput& input) const {
  std::vector<Share> mine;
  if (!rows_) {
    for (std::int64_t p = input.mine().begin; p < input.mine().end; ++p)
      mine.push_back({p, input.file_of(p), {}});
    return mine;
  }
  const auto take = [&](const Share& share) {
    if (share.rows.begin * context_.comm.size() / input.rows() == context_.comm.rank()) mine.push_back(share);
  };
  std::int64_t piece = 0;
  for (std::size_t f = 0; f < input.files().size(); ++f) {
    for (; piece < input.pieces() && input.file_of(piece) == f; ++piece) {
      const std::int64_t first = input.first_row(piece);
      take({piece, f, {first, first + input.rows_of_piece(piece)}});
    }
    if (!input.is_known(f)) continue;
    const Range all = input.rows_of_file(f);
    for (std::int64_t at = all.begin; at < all.end; at += rows_at_once)
      take({-1, f, {at, std::min(all.end, at + rows_at_once)}});
  }
  return mine;
}

void Takeover::check(const DatasetInfo& info) const {
  if (!rows_) return;
  const DatasetInfo& before = rows_->info();
  const bool same = before.schema == info.schema &&
                    std::equal(before.columns.begin(), before.columns.end(), info.columns.begin(),
                               info.columns.end(), [&](const ColumnInfo& a, const ColumnInfo& b) {
                                 return a.name == b.name && a.dtype == b.dtype &&
                                        (a.shape == b.shape || is_carried_text(info, a.name));
                               });
  if (!same)
    throw Error(ExitStatus::internal, "the earlier run's datasets have other columns or another schema",
                "--force prepares all files again");
}

void Takeover::count_dropped(Communicator& comm, const std::vector<DroppedRows>& of_file, DroppedRows& all) {
  dropped_.clear();
  for (const DroppedRows& d : of_file) dropped_.insert(dropped_.end(), {d.filter, d.target, d.features});
  comm.all_reduce(std::span(dropped_), ReduceOp::sum);
  for (std::size_t f = 0; f < entries_.size(); ++f) {
    if (entries_[f] >= earlier_.at("files").size()) continue;
    for (std::size_t i = 0; i < 3; ++i) dropped_[3 * f + i] = entry(f).at("dropped").at(i);
  }
  all = {};
  for (std::size_t f = 0; f < of_file.size(); ++f) {
    all.filter += dropped_[3 * f];
    all.target += dropped_[3 * f + 1];
    all.features += dropped_[3 * f + 2];
  }
}

void Takeover::report(const TableInput& input) {
  context_.notes = Json::object();
  if (obstacle_.empty()) {
    context_.notes["columns"] = input.columns();
    Json kinds = Json::array(), files = Json::array();
    std::map<std::string, std::size_t> numbers;  // of kinds: most files have the same columns
    for (std::size_t f = 0; f < files_.size(); ++f) {
      Json kind = input.knowledge(f);
      kind.erase("rows");
      const auto [number, added] = numbers.emplace(kind.dump(), numbers.size());
      if (added) kinds.push_back(std::move(kind));
      files.push_back({{"digest", files_[f].digest},
                       {"suffix", files_[f].suffix},
                       {"kind", number->second},
                       {"first", input.rows_of_file(f).begin},
                       {"rows", input.rows_of_file(f).size()},
                       {"dropped", {dropped_[3 * f], dropped_[3 * f + 1], dropped_[3 * f + 2]}}});
    }
    context_.notes["kinds"] = std::move(kinds);
    context_.notes["files"] = std::move(files);
  }
  std::int64_t taken = 0;
  for (std::size_t f = 0; f < input.files().size(); ++f) taken += input.is_known(f);
  say_taken_over(
      context_, taken, std::ssize(input.files()),
      unfit_ ? "the table's columns or their types are others than in the earlier run" : obstacle_);
}

}  // namespace rankflow
