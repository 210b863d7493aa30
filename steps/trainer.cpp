#include "steps/trainer.h"

#include <torch/torch.h>

#include <cmath>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "steps/batches.h"
#include "steps/model_file.h"
#include "steps/validation.h"

namespace rankflow {
namespace {

constexpr const char* category = "train";

/// Models and data that differ between ranks would train without an error, and wrongly.
void require_same_on_all_ranks(Communicator& comm, const Model& model, std::int64_t rows) {
  std::string mine = str(rows, " rows");
  for (const auto& t : model_tensors(model)) mine += str("; ", t.name, " ", shape_text(t.tensor.sizes()));
  const auto all = comm.all_gather_text(mine);
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (all[r] != all[0]) {
      throw Error(ExitStatus::internal, str("ranks disagree about what they train: rank 0 has ", all[0],
                                            "; rank ", r, " has ", all[r]));
    }
  }
}

}  // namespace

TrainingPlan::TrainingPlan(const Json& parameters)
    : epochs(parameters.at("epochs")),
      batch_size(parameters.at("batch_size")),
      seed(parameters.at("seed")),
      shuffle(parameters.at("shuffle")),
      keep_best(parameters.at("select") == "best"),
      every_epochs(parameters.at("checkpoint").at("every_epochs")),
      every_batches(parameters.at("checkpoint").at("every_batches")),
      every_seconds(parameters.at("checkpoint").at("every_seconds")) {}

Trainer::Trainer(StepContext& context, TrainingPlan plan, const TrainingSetup& setup)
    : context_(context),
      plan_(plan),
      setup_(setup),
      rows_(setup.train.data().rows()),
      batches_(ceil_div(rows_, plan.batch_size)),
      parameters_(setup.model, extras),
      optimizer_(make_optimizer(setup.optimizer, parameters_.values().numel())),
      reducer_(context.comm, parameters_.reduced()) {
  if (!plan_.keep_best) return;
  for (const auto& t : model_tensors(setup_.model))
    best_.push_back({"best." + t.name, t.tensor.detach().clone()});
}

TrainingResult Trainer::run() {
  start();
  while (progress_.epoch < plan_.epochs) {
    TimedSpan span(context_.timeline, str("epoch ", progress_.epoch + 1), category);
    train_epoch();
    finish_epoch();
  }
  if (plan_.keep_best) take_best();
  const std::int64_t kept = plan_.keep_best ? progress_.best_epoch : plan_.epochs;
  return {progress_.history.at(static_cast<std::size_t>(kept - 1)), progress_.history,
          training_seconds_ > 0 ? static_cast<double>(trained_rows_) / training_seconds_ : 0};
}

void Trainer::start() {
  require_same_on_all_ranks(context_.comm, setup_.model, rows_);
  std::string found;
  run_together(context_.comm, [&] {
    if (!context_.first()) return;
    std::vector<std::string> notes;
    if (const auto restored = setup_.checkpoints.restore(checkpoint_tensors(), notes))
      found = restored->dump();
    for (const auto& note : notes) {
      log::warning(note);
      context_.report.note(note);
    }
  });
  found = context_.comm.broadcast_text(found);
  // The first rank's weights are everybody's, whether from a checkpoint or new.
  for (const auto& t : checkpoint_tensors())
    context_.comm.broadcast(t.tensor.data_ptr(), t.tensor.nbytes(), 0);
  setup_.step.bind();
  last_checkpoint_ = monotonic_seconds();
  if (found.empty()) return;
  progress_ = Progress::from_json(Json::parse(found));
  if (context_.first()) {
    context_.report.note(str("goes on from the checkpoint after ", progress_.step, " batches (epoch ",
                             std::min(progress_.epoch + 1, plan_.epochs), ")"));
  }
}

void Trainer::train_epoch() {
  const double began = monotonic_seconds();
  const auto order = epoch_order(rows_, plan_.seed, progress_.epoch, plan_.shuffle);
  setup_.model.train();
  while (progress_.batch < batches_) train_batch(order);
  training_seconds_ += monotonic_seconds() - began;
}

void Trainer::train_batch(std::span<const std::int64_t> order) {
  const Range batch = batch_range(rows_, plan_.batch_size, progress_.batch);
  const auto rows = batch_shard(order, batch, context_.comm.size(), context_.comm.rank());

  parameters_.reduced().zero_();
  const at::Tensor losses = forward_backward(rows, batch.size());
  float* extra = parameters_.extra().data_ptr<float>();
  extra[stop] = context_.stop.requested() ? 1 : 0;
  extra[checkpoint_due] = context_.first() && checkpoint_is_old() ? 1 : 0;
  {
    TimedSpan span(context_.timeline, "reduce", category);
    reducer_.add({0, parameters_.reduced().numel()});
    reducer_.finalize();
  }
  // One infinity or NaN makes the sum one: every rank sees it at this same batch.
  if (!std::isfinite(extra[loss]) || !std::isfinite(parameters_.gradients().sum().item<float>()))
    refuse_batch(rows, losses);
  {
    TimedSpan span(context_.timeline, "optimizer", category);
    torch::NoGradGuard no_grad;
    optimizer_->step(parameters_.values(), parameters_.gradients());
  }

  ++progress_.batch, ++progress_.step;
  progress_.epoch_loss += static_cast<double>(extra[loss]) * static_cast<double>(batch.size());
  trained_rows_ += batch.size();
  report_progress(extra[loss]);
  const bool counted = plan_.every_batches > 0 && progress_.step % plan_.every_batches == 0;
  if (extra[stop] > 0 || extra[checkpoint_due] > 0 || counted) save_checkpoint();
  if (extra[stop] > 0) throw Stopped();
}

/// Adds this rank's part of the gradient of the global batch's mean loss: the cut over ranks does not change
/// the sum. Returns the loss of each row, undefined for no rows.
at::Tensor Trainer::forward_backward(std::span<const std::int64_t> rows, std::int64_t global_rows) {
  if (rows.empty()) return {};
  Batch batch;
  {
    TimedSpan span(context_.timeline, "input", category);
    batch = setup_.train.load(rows);
  }
  // Dropout is a function of seed, batch and rank: nothing to save, and a resumed run draws the same.
  torch::manual_seed(mixed_seed(plan_.seed, static_cast<std::uint64_t>(progress_.step) + 1,
                                static_cast<std::uint64_t>(context_.comm.rank()) + 1));
  const PartialLoss result = setup_.step.forward_backward(batch, global_rows);
  parameters_.extra().data_ptr<float>()[loss] = static_cast<float>(result.share);
  return result.row_loss;
}

void Trainer::refuse_batch(std::span<const std::int64_t> rows, const at::Tensor& losses) {
  struct Bad {
    std::int64_t count = 0, first = -1;
  } mine;
  if (losses.defined()) {
    const auto bad = losses.isfinite().logical_not();
    mine.count = bad.sum().item<std::int64_t>();
    if (mine.count > 0)
      mine.first = rows[static_cast<std::size_t>(bad.to(at::kInt).argmax().item<std::int64_t>())];
  }
  Bad all;
  for (const Bad& b : context_.comm.all_gather_value(mine)) {
    all.count += b.count;
    if (all.first < 0) all.first = b.first;
  }
  const std::int64_t size = batch_range(rows_, plan_.batch_size, progress_.batch).size();
  const std::string place =
      str(" is not finite at epoch ", progress_.epoch + 1, ", batch ", progress_.batch + 1);
  if (all.count == 0) throw Error(ExitStatus::bad_data, "gradient" + place, "a lower learning rate");
  const Dataset& data = setup_.train.data();
  std::int64_t source = all.first;
  if (data.info().find("row")) data.gather("row", std::span(&all.first, 1), &source);
  throw Error(ExitStatus::bad_data,
              str("loss", place, ": ", all.count, " of ", size, " rows, the first is source row ", source),
              all.count < size ? "look for missing or infinite values in that row" : "a lower learning rate");
}

void Trainer::finish_epoch() {
  const std::int64_t epoch = progress_.epoch + 1;
  Json metrics = {{"epoch", epoch}, {"train_loss", progress_.epoch_loss / static_cast<double>(rows_)}};
  if (setup_.validation) {
    TimedSpan span(context_.timeline, "validation", category);
    metrics.update(
        validation_metrics(setup_.model, *setup_.validation, setup_.task, setup_.target, context_.comm));
    if (!std::isfinite(metrics.at("validation_loss").get<double>())) {
      throw Error(ExitStatus::bad_data, str("validation loss is not finite at epoch ", epoch),
                  "look for missing or infinite values in the validation data");
    }
  }
  if (context_.first()) {
    for (const auto& [name, value] : metrics.items()) {
      if (name != "epoch") context_.report.metric(name, value, epoch);
    }
  }
  progress_.history.push_back(metrics);
  if (plan_.keep_best) keep_if_best(metrics);
  ++progress_.epoch, progress_.batch = 0, progress_.epoch_loss = 0;
  if (plan_.every_epochs > 0 && epoch % plan_.every_epochs == 0) save_checkpoint();
}

void Trainer::keep_if_best(const Json& metrics) {
  const double validation_loss = metrics.at("validation_loss");
  if (progress_.best_epoch > 0 && validation_loss >= progress_.best_loss) return;
  progress_.best_epoch = metrics.at("epoch");
  progress_.best_loss = validation_loss;
  torch::NoGradGuard no_grad;
  const auto tensors = model_tensors(setup_.model);
  for (std::size_t i = 0; i < best_.size(); ++i) best_[i].tensor.copy_(tensors[i].tensor);
}

void Trainer::take_best() {
  torch::NoGradGuard no_grad;
  const auto tensors = model_tensors(setup_.model);
  for (std::size_t i = 0; i < best_.size(); ++i) tensors[i].tensor.copy_(best_[i].tensor);
}

bool Trainer::checkpoint_is_old() const {
  return plan_.every_seconds > 0 && monotonic_seconds() - last_checkpoint_ >= plan_.every_seconds;
}

void Trainer::save_checkpoint() {
  TimedSpan span(context_.timeline, "checkpoint", category);
  run_together(context_.comm, [&] {
    if (context_.first()) setup_.checkpoints.save(progress_.step, checkpoint_tensors(), progress_.to_json());
  });
  last_checkpoint_ = monotonic_seconds();
}

std::vector<NamedTensor> Trainer::checkpoint_tensors() const {
  std::vector<NamedTensor> tensors;
  for (const auto& t : model_tensors(setup_.model)) tensors.push_back({"model." + t.name, t.tensor});
  for (const auto& state : optimizer_->state()) {
    for (auto& t : parameters_.named(state.tensor, "optimizer." + state.name + "."))
      tensors.push_back(std::move(t));
  }
  for (const auto& t : optimizer_->scalars()) tensors.push_back({"optimizer." + t.name, t.tensor});
  tensors.insert(tensors.end(), best_.begin(), best_.end());
  return tensors;
}

void Trainer::report_progress(double batch_loss) {
  if (!context_.first()) return;
  const double done =
      static_cast<double>(progress_.epoch * rows_ + std::min(rows_, progress_.batch * plan_.batch_size));
  context_.report.progress(done, static_cast<double>(plan_.epochs * rows_), "samples",
                           str("epoch ", progress_.epoch + 1, "/", plan_.epochs), {{"loss", batch_loss}});
}

Json Trainer::Progress::to_json() const {
  return {{"epoch", epoch},           {"batch", batch},           {"step", step},
          {"epoch_loss", epoch_loss}, {"best_epoch", best_epoch}, {"best_loss", best_loss},
          {"history", history}};
}

Trainer::Progress Trainer::Progress::from_json(const Json& json) {
  Progress p;
  p.epoch = json.at("epoch"), p.batch = json.at("batch"), p.step = json.at("step");
  p.epoch_loss = json.at("epoch_loss");
  p.best_epoch = json.at("best_epoch"), p.best_loss = json.at("best_loss");
  p.history = json.at("history");
  return p;
}

}  // namespace rankflow
