#include "steps/training_checkpoints.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file.h"
#include "steps/stored_tensor.h"
#include "steps/weights.h"

namespace rankflow {
namespace {

Range overlap(Range a, Range b) {
  const std::int64_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

/// Which of `ranks` writes each of the tensors: runs of them with nearly equal numbers of bytes.
std::vector<int> writers_of(const std::vector<NamedTensor>& tensors, int ranks) {
  std::uint64_t total = 1, before = 0;
  for (const auto& t : tensors) total += t.tensor.nbytes();
  std::vector<int> writers;
  for (const auto& t : tensors) {
    writers.push_back(static_cast<int>(before * static_cast<std::uint64_t>(ranks) / total));
    before += t.tensor.nbytes();
  }
  return writers;
}

std::string damaged(const std::string& path, const std::string& why) {
  return str("checkpoint ", path, " is damaged: not used (", why, ")");
}

}  // namespace

/// A set that is being read: what its first file says, and the parts that this rank reads.
struct TrainingCheckpoints::Set {
  std::int64_t step = 0;
  std::string name;
  std::vector<Range> parts;         // elements of the flat buffers in each
  std::vector<int> readers;         // which rank reads what of the rest is in each
  std::map<int, TensorFile> files;  // by part

  int count() const { return static_cast<int>(parts.size()); }
};

/// Where each parameter lies in the flat buffers: parts of another layout are no use.
Json TrainingCheckpoints::layout() const {
  Json slots = Json::array();
  for (const ParameterSlot& s : state_.parameters.slots())
    slots.push_back({{"name", s.name}, {"offset", s.offset}, {"shape", s.shape}, {"strides", s.strides}});
  return {{"elements", state_.parameters.values().numel()}, {"parameters", slots}};
}

/// What a checkpoint in one file holds.
std::vector<NamedTensor> TrainingCheckpoints::whole(const std::vector<NamedTensor>& optimizer_state) const {
  std::vector<NamedTensor> tensors;
  for (const auto& t : model_tensors(state_.model)) tensors.push_back({"model." + t.name, t.tensor});
  const auto add = [&](const at::Tensor& flat, const std::string& prefix) {
    for (auto& t : state_.parameters.named(flat, prefix)) tensors.push_back(std::move(t));
  };
  for (const auto& t : optimizer_state) add(t.tensor, "optimizer." + t.name + ".");
  if (state_.local) {
    for (const auto& t : state_.local->state()) add(t.tensor, "outer." + t.name + ".");
  }
  for (const auto& t : state_.optimizer.scalars()) tensors.push_back({"optimizer." + t.name, t.tensor});
  if (state_.average) add(state_.average->average(), "average.");
  const auto& best = state_.selection.best();
  tensors.insert(tensors.end(), best.begin(), best.end());
  return tensors;
}

std::vector<TrainingCheckpoints::Flat> TrainingCheckpoints::flats() const {
  std::vector<Flat> flats = {{"values", state_.parameters.values(), false}};
  for (const auto& t : state_.optimizer.state())
    flats.push_back({"optimizer." + t.name, t.tensor, state_.exchange.divides_update()});
  if (state_.average) flats.push_back({"average", state_.average->average(), false});
  return flats;
}

/// What is in no flat buffer, and the same on all ranks.
std::vector<NamedTensor> TrainingCheckpoints::rest() const {
  std::set<std::string> trained;
  for (const ParameterSlot& s : state_.parameters.slots()) trained.insert(s.name);
  std::vector<NamedTensor> tensors;
  for (const auto& t : model_tensors(state_.model)) {
    if (!trained.contains(t.name)) tensors.push_back({"model." + t.name, t.tensor});
  }
  for (const auto& t : state_.optimizer.scalars()) tensors.push_back({"optimizer." + t.name, t.tensor});
  const auto& best = state_.selection.best();
  tensors.insert(tensors.end(), best.begin(), best.end());
  return tensors;
}

std::vector<NamedTensor> TrainingCheckpoints::part_of_this_rank() const {
  std::vector<NamedTensor> mine;
  for (const Flat& flat : flats())
    mine.push_back({flat.name, flat.divided ? flat.tensor : part(flat.tensor, own())});
  const auto others = rest();
  const auto writers = writers_of(others, comm_.size());
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (writers[i] == comm_.rank()) mine.push_back(others[i]);
  }
  return mine;
}

void TrainingCheckpoints::save(std::int64_t step, const Json& progress) {
  if (state_.exchange.divides_update() && comm_.size() > 1) {
    save_set(step, progress);
    return;
  }
  run_together(comm_, [&] {
    if (!first()) return;
    writer_.save(whole(state_.optimizer.state()),
                 [this, step, progress](const auto& copies) { files_.save(step, copies, progress); });
  });
}

void TrainingCheckpoints::save_set(std::int64_t step, const Json& progress) {
  finish();
  const std::string set = comm_.broadcast_text(first() ? unique_suffix() : "");
  run_together(comm_, [&] {
    const CheckpointPart part{step, set, comm_.rank(), comm_.size()};
    writer_.save(part_of_this_rank(), [this, part](const auto& copies) { files_.save_part(part, copies); });
  });
  Json parts = Json::array();
  for (const Range& r : state_.exchange.parts()) parts.push_back({r.begin, r.end});
  uncommitted_ = {
      step, set, {{"step", step}, {"set", set}, {"parts", parts}, {"layout", layout()}}, progress};
}

void TrainingCheckpoints::commit() {
  if (!uncommitted_) return;
  if (first()) {
    writer_.run([this, u = std::move(*uncommitted_)] { files_.commit(u.step, u.set, u.about, u.progress); });
  }
  uncommitted_.reset();
}

void TrainingCheckpoints::finish() {
  run_together(comm_, [&] { writer_.finish(); });
  if (!uncommitted_) return;
  commit();
  run_together(comm_, [&] { writer_.finish(); });
}

std::optional<Json> TrainingCheckpoints::restore(std::vector<std::string>& notes) {
  std::string tried;
  for (;;) {
    std::optional<CheckpointFile> file;  // on the first rank
    std::string head;
    run_together(comm_, [&] {
      if (!first()) return;
      file = files_.newest(notes, tried);
      if (file) head = Json{{"path", file->path}, {"attributes", file->content.attributes}}.dump();
    });
    head = comm_.broadcast_text(head);
    if (head.empty()) break;
    const Json found = Json::parse(head);
    tried = found.at("path");
    const Json& attributes = found.at("attributes");
    const std::string problem = attributes.contains("set") ? take_set(tried, attributes) : take_whole(file);
    if (problem.empty()) return attributes.at("progress");
    if (first()) notes.push_back(problem);
  }
  for (const auto& t : whole({})) device_.broadcast(t.tensor.data_ptr(), t.tensor.nbytes(), 0);
  return std::nullopt;
}

/// The first rank has read the file. Returns what is wrong with it, the same on all ranks.
std::string TrainingCheckpoints::take_whole(const std::optional<CheckpointFile>& file) {
  const auto own_state = state_.optimizer.state();
  auto state = own_state;  // of all parameters
  for (auto& t : state) {
    if (state_.exchange.divides_update())
      t.tensor = torch::zeros_like(state_.parameters.values());  // padding too
  }
  const auto tensors = whole(state);
  std::string problem;
  run_together(comm_, [&] {
    try {
      if (first()) copy_tensors(file->content, tensors, file->path);
    } catch (const Error& e) {
      if (e.status() != ExitStatus::bad_data) throw;
      problem = damaged(file->path, e.message());
    }
  });
  problem = comm_.broadcast_text(problem);
  if (!problem.empty()) return problem;
  for (const auto& t : tensors) device_.broadcast(t.tensor.data_ptr(), t.tensor.nbytes(), 0);
  for (std::size_t i = 0; i < state.size(); ++i) {
    at::Tensor mine = own_state[i].tensor;
    if (!mine.is_same(state[i].tensor)) mine.copy_(part(state[i].tensor, state_.exchange.own()));
  }
  return "";
}

/// Each rank reads the parts that overlap its own. Returns what is wrong with the set, the same on all ranks.
std::string TrainingCheckpoints::take_set(const std::string& path, const Json& about) {
  Set set{about.at("step"), about.at("set"), {}, {}, {}};
  for (const Json& p : about.at("parts")) set.parts.push_back({p.at(0), p.at(1)});
  for (const Range& theirs : set.parts) {
    const auto& ours = state_.exchange.parts();
    const auto reader =
        std::find_if(ours.begin(), ours.end(), [&](Range r) { return overlap(r, theirs).size() > 0; });
    set.readers.push_back(reader == ours.end() ? 0 : static_cast<int>(reader - ours.begin()));
  }
  if (about.at("layout") != layout())
    return str("checkpoint ", path, " has another layout of parameters: not used");
  std::string problem;
  run_together(comm_, [&] {
    try {
      read_parts(set);
    } catch (const Error& e) {
      if (e.status() != ExitStatus::bad_data) throw;
      problem = e.message();
    }
  });
  for (const auto& rank : comm_.all_gather_text(problem)) {
    if (!rank.empty()) return damaged(path, rank);
  }
  take_flats(set);
  take_rest(set);
  return "";
}

/// Throws Error (bad_data) where not all is there as it should be, so that nothing is copied from half a checkpoint.
void TrainingCheckpoints::read_parts(Set& set) const {
  const auto others = rest();
  const auto writers = writers_of(others, set.count());
  for (int p = 0; p < set.count(); ++p) {
    const Range elements = set.parts[static_cast<std::size_t>(p)];
    if (overlap(elements, own()).size() == 0 && set.readers[static_cast<std::size_t>(p)] != comm_.rank())
      continue;
    const CheckpointPart name{set.step, set.name, p, set.count()};
    TensorFile file = files_.read_part(name);
    for (const Flat& flat : flats())
      require_tensor(file, {flat.name, flat.tensor}, {elements.size()}, name.file_name());
    for (std::size_t i = 0; i < others.size(); ++i) {
      if (writers[i] == p) require_tensor(file, others[i], others[i].tensor.sizes(), name.file_name());
    }
    set.files.emplace(p, std::move(file));
  }
}

/// Each rank takes what overlaps its own part, and buffers that every rank has whole are gathered from that.
void TrainingCheckpoints::take_flats(const Set& set) const {
  torch::NoGradGuard no_grad;
  std::vector<std::int64_t> bytes;
  for (const Flat& flat : flats()) {
    const auto width = static_cast<std::int64_t>(flat.tensor.element_size());
    for (const auto& [p, file] : set.files) {
      const Range theirs = set.parts[static_cast<std::size_t>(p)], both = overlap(theirs, own());
      const std::int64_t begin = flat.divided ? own().begin : 0;
      part(flat.tensor, {both.begin - begin, both.end - begin})
          .copy_(part(stored_tensor(*file.find(flat.name)),
                      {both.begin - theirs.begin, both.end - theirs.begin}));
    }
    if (flat.divided) continue;
    if (flat.name == "values" && state_.exchange.divides_update()) {
      state_.exchange.share_values();
      continue;
    }
    bytes.clear();
    for (const Range& r : state_.exchange.parts()) bytes.push_back(r.size() * width);
    auto* all = static_cast<std::byte*>(flat.tensor.data_ptr());
    device_.all_gather_unequal(all + own().begin * width, bytes, all);
  }
}

void TrainingCheckpoints::take_rest(const Set& set) const {
  torch::NoGradGuard no_grad;
  const auto others = rest();
  const auto writers = writers_of(others, set.count());
  for (std::size_t i = 0; i < others.size(); ++i) {
    at::Tensor tensor = others[i].tensor.detach();
    const int reader = set.readers[static_cast<std::size_t>(writers[i])];
    if (reader == comm_.rank()) tensor.copy_(stored_tensor(*set.files.at(writers[i]).find(others[i].name)));
    device_.broadcast(tensor.data_ptr(), tensor.nbytes(), reader);
  }
}

}  // namespace rankflow
