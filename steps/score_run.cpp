#include "steps/score_run.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/json_text.h"
#include "steps/mini_batch_retries.h"

namespace rankflow {
namespace {

constexpr double longest_unkept_seconds = 0.5;
constexpr std::size_t most_unkept_bytes = std::size_t{4} << 20;

std::size_t bytes_of(const ResultTable& table) {
  std::size_t bytes = 0;
  for (const auto& missing : table.missing) bytes += missing.size();
  for (const ResultValues& column : table.columns) {
    bytes += std::visit([](const auto& values) { return values.size() * sizeof(values[0]); }, column);
  }
  return bytes;
}

Json to_json(const FailedMiniBatch& f) {
  return {f.number, f.rows.begin, f.rows.end, f.rank, f.message};
}

FailedMiniBatch failed_mini_batch(const Json& json) {
  return {json[0], {json[1], json[2]}, json[3], json[4]};
}

/// Whether formats of text write rows of both in the same way: the types are the same but for gaps.
bool read_alike(const ResultSchema& a, const ResultSchema& b, const ResultSchema& common) {
  for (std::size_t c = 0; c < common.size(); ++c) {
    const auto alike = [&](ResultType type) { return type == common[c].type || has_no_values(type); };
    if (!alike(a[c].type) || !alike(b[c].type)) return false;
  }
  return true;
}

[[noreturn]] void report_other_columns(std::int64_t mini_batch, const ResultSchema& theirs,
                                       std::int64_t first, const ResultSchema& schema) {
  throw Error(ExitStatus::bad_data,
              str("the results of mini-batch ", mini_batch, " have other columns than those of mini-batch ",
                  first, ": ", described(theirs), " and ", described(schema)),
              "give every result the same columns, of types that go together: frame.astype({...})");
}

/// Columns of a user's code, which every mini-batch has to have. Those without any value are of reals.
ResultSchema schema_of_all(const std::vector<ResultChunk>& chunks) {
  std::vector<ResultSchema> schemas;
  for (const auto& chunk : chunks) schemas.push_back(result_schema(chunk.notes.at("schema")));
  ResultSchema all = schemas.front();
  for (std::size_t i = 1; i < schemas.size(); ++i) {
    if (auto common = common_schema(all, schemas[i])) {
      all = std::move(*common);
      continue;
    }
    std::size_t other = 0;  // types that do not all go together are two that don't
    while (common_schema(schemas[other], schemas[i])) ++other;
    report_other_columns(chunks[i].units.begin, schemas[i], chunks[other].units.begin, schemas[other]);
  }
  for (ResultColumn& column : all) {
    if (has_no_values(column.type)) column.type = ResultType::real64;
  }
  return all;
}

std::vector<std::unique_ptr<ResultFormat>> make_formats(const ScoreOptions& options) {
  std::vector<std::unique_ptr<ResultFormat>> formats;
  for (const auto& format : options.formats) formats.push_back(make_result_format(format));
  return formats;
}

std::vector<Range> units_of(const std::vector<ResultChunk>& chunks) {
  std::vector<Range> units;
  for (const auto& chunk : chunks) units.push_back(chunk.units);
  return units;
}

}  // namespace

ScoreRun::ScoreRun(StepContext& context, const ScoreOptions& options, RowScorer& scorer)
    : context_(context),
      options_(options),
      scorer_(scorer),
      formats_(make_formats(options)),
      ledger_(context, about_shards()) {}

std::int64_t ScoreRun::mini_batches() const {
  return ceil_div(scorer_.rows(), options_.mini_batch_size);
}

std::int64_t ScoreRun::mini_batches_per_file() const {
  if (options_.rows_per_file == 0) return std::max<std::int64_t>(1, mini_batches());
  return ceil_div(options_.rows_per_file, options_.mini_batch_size);
}

Range ScoreRun::rows_of(std::int64_t mini_batch) const {
  return {mini_batch * options_.mini_batch_size,
          std::min(scorer_.rows(), (mini_batch + 1) * options_.mini_batch_size)};
}

Json ScoreRun::about_shards() const {
  Json sections = Json::array();
  for (const auto& format : formats_) sections.push_back(format->section());
  return {{"format", 2},
          {"rows", scorer_.rows()},
          {"mini_batch_size", options_.mini_batch_size},
          {"mini_batches_per_file", mini_batches_per_file()},
          {"sections", sections}};
}

ScoredRows ScoreRun::run() {
  missing_ = ledger_.restore(mini_batches());
  tickets_ = make_ticket_counter(context_.comm);
  run_together(context_.comm, [&] {
    try {
      work();
      flush();
    } catch (...) {
      tickets_->end();
      throw;
    }
  });
  tickets_->close();
  const bool stop = context_.stop.requested();
  if (context_.comm.all_reduce_value<std::int32_t>(stop ? 1 : 0, ReduceOp::max) > 0) throw Stopped();
  return gather();
}

void ScoreRun::work() {
  const HandOut runs(std::ssize(missing_), context_.comm.size());
  for (;;) {
    const Range run = runs.run(tickets_->take());
    if (run.size() == 0) return;
    score_run(run);
    if (context_.stop.requested()) {
      tickets_->end();
      return;
    }
  }
}

void ScoreRun::score_run(Range positions) {
  TimedSpan span(context_.timeline,
                 str("mini-batches from ", missing_[static_cast<std::size_t>(positions.begin)]),
                 context_.step);
  for (std::int64_t i = positions.begin; i < positions.end && !context_.stop.requested(); ++i) {
    const std::int64_t mini_batch = missing_[static_cast<std::size_t>(i)];
    try {
      if (auto table = try_to_score(mini_batch)) keep(mini_batch, std::move(*table));
    } catch (const Stopped&) {
      return;  // the flag is set: run() says so on all ranks
    }
    report_progress(i + 1);
  }
}

std::optional<ResultTable> ScoreRun::try_to_score(std::int64_t mini_batch) {
  const Range rows = rows_of(mini_batch);
  scorer_.begin(rows);
  return with_retries(
      options_.max_retries, context_.stop,
      [&]() -> std::optional<ResultTable> {
        auto table = scorer_.score(rows);
        if (table.rows == rows.size()) return table;
        throw Error(ExitStatus::bad_data, str("gave ", table.rows, " rows for ", rows.size()));
      },
      [&](const Error& error) -> std::optional<ResultTable> {
        fail(mini_batch, error);
        return std::nullopt;
      });
}

/// Throws once this rank alone has had more failures than all together may have.
void ScoreRun::fail(std::int64_t mini_batch, const Error& error) {
  flush();
  const Range rows = rows_of(mini_batch);
  failures_.push_back({mini_batch, rows, context_.comm.rank(), describe(error)});
  std::int64_t failed_rows = 0;
  for (const auto& f : failures_) failed_rows += f.rows.size();
  const std::string what =
      failed_mini_batch_text(mini_batch, rows, context_.comm.rank(), options_.max_retries);
  if (!options_.limits.exceeded(std::ssize(failures_), failed_rows)) {
    // The output says it without the rank, on which its bytes must not depend.
    log::warning(str("step ", context_.step, ": ", what, ", which is tolerated: ", describe(error)));
    return;
  }
  const auto status = error.status() == ExitStatus::internal ? ExitStatus::step_failed : error.status();
  throw Error(
      status,
      str(what, failures_.size() > 1 ? str(", number ", failures_.size(), " of those that did") : "", ": ",
          error.message()),
      error.hint().empty() ? "mini_batch_error_threshold: how many mini-batches may fail" : error.hint());
}

void ScoreRun::keep(std::int64_t mini_batch, ResultTable&& table) {
  const ResultSchema& schema = scorer_.schema();
  if (!scorer_.knows_schema()) check_columns(mini_batch, schema);
  const bool goes_on = pending_.mini_batches.size() > 0 && pending_.mini_batches.end == mini_batch &&
                       mini_batch % mini_batches_per_file() != 0 && (scorer_.knows_schema() || widen(schema));
  if (!goes_on) flush();
  if (pending_.mini_batches.size() == 0) {
    pending_ = {{mini_batch, mini_batch}, schema, empty_table(schema), Json::array(), monotonic_seconds()};
  }
  pending_.sums.push_back(sums_of(table));
  pending_.table.append(with_schema(std::move(table), schema, pending_.schema));
  ++pending_.mini_batches.end;
  const bool enough = bytes_of(pending_.table) >= most_unkept_bytes ||
                      monotonic_seconds() - pending_.since >= longest_unkept_seconds;
  if (enough) flush();
}

/// That all mini-batches of this rank have columns that go together: no need to wait for the end to say that they don't.
void ScoreRun::check_columns(std::int64_t mini_batch, const ResultSchema& schema) {
  if (seen_.empty()) {
    seen_ = schema;
    first_seen_ = mini_batch;
  }
  auto common = common_schema(seen_, schema);
  if (!common) report_other_columns(mini_batch, schema, first_seen_, seen_);
  seen_ = std::move(*common);
}

/// Gives what is pending a schema that serves these rows, too; false where they would read otherwise. What a text says of a row must not
/// depend on the rows that this rank happens to keep with it.
bool ScoreRun::widen(const ResultSchema& schema) {
  const auto common = common_schema(pending_.schema, schema);
  if (!common || !read_alike(pending_.schema, schema, *common)) return false;
  pending_.table = with_schema(std::move(pending_.table), pending_.schema, *common);
  pending_.schema = *common;
  return true;
}

void ScoreRun::flush() {
  if (pending_.mini_batches.size() == 0) return;
  std::map<std::string, std::string> sections;
  for (const auto& format : formats_) {
    std::string& bytes = sections[format->section()];
    if (bytes.empty()) format->append(pending_.schema, pending_.table, bytes);
  }
  Json notes = {{"sums", std::move(pending_.sums)}};
  if (!scorer_.knows_schema()) notes["schema"] = to_json(pending_.schema);
  scorer_.check_unchanged(
      {rows_of(pending_.mini_batches.begin).begin, rows_of(pending_.mini_batches.end - 1).end});
  ledger_.keep(pending_.mini_batches, pending_.table.rows, sections, std::move(notes));
  pending_ = {};
}

/// Of each summarised column: rows of each category, or the sum of the numbers.
Json ScoreRun::sums_of(const ResultTable& table) const {
  Json sums = Json::array();
  for (const std::size_t c : scorer_.summarised()) {
    const ResultColumn& column = scorer_.schema()[c];
    if (!column.categories.empty()) {
      std::vector<std::int64_t> counts(column.categories.size());
      for (const auto code : std::get<std::vector<std::int64_t>>(table.columns[c]))
        ++counts.at(static_cast<std::size_t>(code));
      sums.push_back(std::move(counts));
      continue;
    }
    double sum = 0;
    for (const auto value : std::get<std::vector<float>>(table.columns[c])) sum += value;
    sums.push_back(sum);
  }
  return sums;
}

/// Runs are handed out in order: what comes before this rank's position is finished, or another rank is at it.
void ScoreRun::report_progress(std::int64_t position) {
  if (!context_.first()) return;
  const auto done =
      std::min(scorer_.rows(), (mini_batches() - std::ssize(missing_) + position) * options_.mini_batch_size);
  context_.report.progress(static_cast<double>(done), static_cast<double>(scorer_.rows()), "rows", "",
                           Json::object());
}

ScoredRows ScoreRun::gather() {
  ScoredRows scored{scorer_.schema(), ledger_.gather(), {}};
  Json mine = Json::array();
  for (const auto& failure : failures_) mine.push_back(to_json(failure));
  for (const auto& text : context_.comm.all_gather_text(json_text(mine))) {
    for (const Json& failure : Json::parse(text)) scored.failures.push_back(failed_mini_batch(failure));
  }
  std::sort(scored.failures.begin(), scored.failures.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  run_together(context_.comm, [&] {
    if (!scorer_.knows_schema() && !scored.chunks.empty()) scored.schema = schema_of_all(scored.chunks);
    if (context_.first()) check_complete(scored);
  });
  return scored;
}

void ScoreRun::check_complete(const ScoredRows& scored) const {
  auto done = units_of(scored.chunks);
  std::int64_t failed_rows = 0;
  for (const auto& f : scored.failures) {
    done.push_back({f.number, f.number + 1});
    failed_rows += f.rows.size();
  }
  if (const auto left = left_over(mini_batches(), done); !left.empty())
    throw Error(ExitStatus::internal,
                str(left.size(), " mini-batches were scored by no rank, the first is ", left[0]));
  const bool nothing_done = scored.chunks.empty() && !scored.failures.empty();
  if (!options_.limits.exceeded(std::ssize(scored.failures), failed_rows)) {
    if (!nothing_done) return;
    const auto& one = scored.failures.front();
    const std::string what =
        str("all ", scored.failures.size(), " mini-batches failed; the first: ", one.message);
    if (!options_.limits.tolerates_all())
      throw Error(ExitStatus::step_failed, what, "thresholds of -1 tolerate even that");
    return context_.report.note(what);
  }
  const auto& first = scored.failures.front();
  throw Error(ExitStatus::step_failed,
              str(scored.failures.size(), " mini-batches with ", failed_rows,
                  " rows failed, more than is tolerated; the first, ", first.number, " (rows ",
                  first.rows.begin, " to ", first.rows.end - 1, ", rank ", first.rank, "): ", first.message),
              "mini_batch_error_threshold and error_threshold say how many may fail");
}

void ScoreRun::write_files(const ScoredRows& scored, const std::string& folder) const {
  const std::int64_t per_file = mini_batches_per_file(),
                     count = std::max<std::int64_t>(1, ceil_div(mini_batches(), per_file));
  for (std::size_t i = 0; i < formats_.size(); ++i) {
    TimedSpan span(context_.timeline, str("write ", options_.formats[i]), context_.step);
    std::vector<ResultFile> files;
    for (std::int64_t f = 0; f < count; ++f) {
      std::string number = std::to_string(f);
      if (number.size() < 5) number.insert(0, 5 - number.size(), '0');
      files.push_back({str(folder, "/scores", options_.rows_per_file > 0 ? "-" + number : "", ".",
                           file_ending(options_.formats[i])),
                       {}});
    }
    for (const ResultChunk& chunk : scored.chunks)
      files[static_cast<std::size_t>(chunk.units.begin / per_file)].chunks.push_back(&chunk);
    formats_[i]->assemble(files, scored.schema, scorer_.about(), context_.comm);
  }
}

}  // namespace rankflow
