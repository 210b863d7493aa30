#include "steps/mini_batch_ledger.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file.h"
#include "io/json_text.h"
#include "steps/hand_out.h"

namespace rankflow {
namespace {

/// Numbers below `count` that are in none of the chunks.
std::vector<std::int64_t> missing_of(std::int64_t count, const std::vector<ResultChunk>& chunks) {
  std::vector<Range> done;
  for (const auto& chunk : chunks) done.push_back(chunk.units);
  return left_over(count, done);
}

}  // namespace

MiniBatchLedger::MiniBatchLedger(StepContext& context, Json about)
    : context_(context), about_(std::move(about)) {}

std::vector<std::int64_t> MiniBatchLedger::restore(std::int64_t count) {
  std::string found;
  run_together(context_.comm, [&] {
    if (!context_.first()) return;
    make_directories(context_.checkpoints);
    Json all = Json::array();
    for (const auto& chunk : read_ledgers(context_.checkpoints, about_)) all.push_back(to_json(chunk));
    found = json_text(all);
  });
  const Json all = Json::parse(context_.comm.broadcast_text(std::move(found)));
  std::vector<ResultChunk> chunks;
  for (const Json& chunk : all) chunks.push_back(result_chunk(chunk, context_.checkpoints));
  std::vector<std::uint8_t> whole(chunks.size());
  run_together(context_.comm, [&] {
    const Range mine = partition(std::ssize(chunks), context_.comm.size(), context_.comm.rank());
    for (std::int64_t i = mine.begin; i < mine.end; ++i)
      whole[static_cast<std::size_t>(i)] = is_whole(chunks[static_cast<std::size_t>(i)]);
  });
  context_.comm.all_reduce(std::span(whole), ReduceOp::max);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (whole[i]) restored_.push_back(std::move(chunks[i]));
  }
  auto missing = missing_of(count, restored_);
  if (context_.first() && !restored_.empty()) {
    context_.report.note(str("goes on with ", human_count(std::ssize(missing)), " of ", human_count(count),
                             " mini-batches; the others are done already"));
  }
  return missing;
}

void MiniBatchLedger::keep(Range mini_batches, std::int64_t rows,
                           const std::map<std::string, std::string>& sections, Json notes) {
  if (!shard_) shard_.emplace(context_.checkpoints, about_);
  mine_.push_back(shard_->write(mini_batches, rows, sections, std::move(notes)));
}

std::vector<ResultChunk> MiniBatchLedger::gather() {
  Json mine = Json::array();
  for (const auto& chunk : mine_) mine.push_back(to_json(chunk));
  std::vector<ResultChunk> all = restored_;
  for (const auto& text : context_.comm.all_gather_text(json_text(mine))) {
    for (const Json& chunk : Json::parse(text)) all.push_back(result_chunk(chunk, context_.checkpoints));
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.units.begin < b.units.begin; });
  return all;
}

}  // namespace rankflow
