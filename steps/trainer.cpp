#include "steps/trainer.h"

#include <torch/torch.h>

#include <algorithm>
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
  for (const auto& t : model_tensors(model))
    mine += str("; ", t.name, " ", at::toString(t.tensor.scalar_type()), " ", shape_text(t.tensor.sizes()));
  const auto all = comm.all_gather_text(mine);
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (all[r] != all[0]) {
      throw Error(ExitStatus::internal, str("ranks disagree about what they train: rank 0 has ", all[0],
                                            "; rank ", r, " has ", all[r]));
    }
  }
}

/// The elements of `group` that lie in `whole`, counted from its begin.
Range within(Range group, Range whole) {
  const auto clamped = [&](std::int64_t i) { return std::clamp(i, whole.begin, whole.end) - whole.begin; };
  return {clamped(group.begin), clamped(group.end)};
}

}  // namespace

Trainer::Trainer(StepContext& context, TrainingPlan plan, const TrainingSetup& setup)
    : context_(context),
      plan_(std::move(plan)),
      setup_(setup),
      rows_(setup.train.data().rows()),
      batches_(ceil_div(rows_, plan_.batch_size)),
      parameters_(setup.model, extras,
                  [this](const std::string& name, const at::Tensor& parameter) {
                    return excluded_from_decay(plan_.optimizer, name, parameter);
                  }),
      exchange_(context, setup.device, parameters_, plan_),
      optimizer_(make_optimizer(plan_.optimizer, part(parameters_.values(), exchange_.own()),
                                part(parameters_.gradients(), exchange_.own()),
                                {{within(parameters_.together(), exchange_.own()), true},
                                 {within(parameters_.apart(), exchange_.own()), false}})),
      learning_rate_(plan_.schedule, plan_.optimizer.at("learning_rate"), batches_, plan_.epochs),
      selection_(plan_, setup.model),
      buffers_(setup.model, setup.device.comm(), plan_.virtual_shards),
      input_(setup.train, setup.assemble_ahead),
      log_(context),
      checkpoints_(context.comm, setup.device.comm(), setup.checkpoints,
                   {setup.model, parameters_, exchange_, *optimizer_, local_, average_, selection_}) {
  if (plan_.ema_decay > 0) average_.emplace(parameters_.values(), plan_.ema_decay);
  if (!plan_.local_steps.is_null())
    local_.emplace(setup.device.comm(), plan_.local_steps, parameters_, *optimizer_);
  if (plan_.precision == Precision::float16) progress_.loss_scale.emplace();
}

TrainingResult Trainer::run() {
  start();
  while (progress_.epoch < plan_.epochs && !selection_.exhausted(progress_)) {
    TimedSpan span(context_.timeline, str("epoch ", progress_.epoch + 1), category);
    train_epoch();
    finish_epoch();
  }
  checkpoints_.finish();
  exchange_.close();
  buffers_.close();
  if (progress_.epoch < plan_.epochs && context_.first()) {
    context_.report.note(str("stopped early: ", plan_.primary_metric, " was best in epoch ",
                             progress_.best_epoch, " of ", progress_.epoch));
  }
  if (plan_.keep_best)
    selection_.restore_best();
  else if (average_)
    average_->swap();
  const std::int64_t kept = plan_.keep_best ? progress_.best_epoch : progress_.epoch;
  return {progress_.history.at(static_cast<std::size_t>(kept - 1)), progress_.history,
          spent_.samples_per_second()};
}

void Trainer::start() {
  require_same_on_all_ranks(context_.comm, setup_.model, rows_);
  run_together(context_.comm, [&] {
    Settings settings = resolved_settings(context_, plan_, rows_, parameters_, learning_rate_);
    settings.emplace_back("gradients reduced", exchange_.news().value_or(""));
    settings.insert(settings.end(), setup_.settings.begin(), setup_.settings.end());
    log_.write(settings_table(settings));
  });
  std::vector<std::string> notes;
  const auto found = checkpoints_.restore(notes);
  for (const auto& note : notes) {
    log::warning(note);
    context_.report.note(note);
  }
  setup_.step.bind();
  buffers_.begin();
  if (local_) local_->begin();
  last_checkpoint_ = monotonic_seconds();
  if (!found) return;
  progress_ = TrainingProgress::from_json(*found);
  if (context_.first()) {
    context_.report.note(str("goes on from the checkpoint after ", progress_.step, " batches (epoch ",
                             std::min(progress_.epoch + 1, plan_.epochs), ")"));
  }
}

void Trainer::train_epoch() {
  input_.end();  // its thread uses what changes here
  std::vector<ShuffleWindow> windows;
  if (plan_.shuffle && plan_.shuffle_window > 0) {
    WindowedOrder order = windowed_order(rows_, plan_.seed, progress_.epoch, plan_.shuffle_window);
    order_ = std::move(order.rows), windows = std::move(order.windows);
  } else {
    order_ = epoch_order(rows_, plan_.seed, progress_.epoch, plan_.shuffle);
  }
  read_ahead_.emplace(setup_.train.data(), std::move(windows));
  const std::int64_t first = progress_.batch, micro = exchange_.micro_batches();
  const auto rows = [this, first, micro](std::int64_t number) {
    const Range batch = batch_range(rows_, plan_.batch_size, first + number / micro);
    read_ahead_->reach(batch);
    return rows_of(batch, number % micro);
  };
  input_.begin((batches_ - first) * micro, rows, progress_.epoch);
  setup_.model.train();
  while (progress_.batch < batches_) train_batch();
}

/// This rank's rows of a global batch in its micro-batch `micro`. Virtual shards are cut from the global batch, so that they
/// hold the same rows whichever rank computes them; other micro-batches from the rank's share.
std::span<const std::int64_t> Trainer::rows_of(Range batch, std::int64_t micro) const {
  const int rank = context_.comm.rank();
  const std::int64_t count = exchange_.micro_batches();
  if (plan_.deterministic()) {
    return batch_shard(order_, batch, static_cast<int>(plan_.virtual_shards),
                       static_cast<int>(rank * count + micro));
  }
  const auto mine = batch_shard(order_, batch, context_.comm.size(), rank);
  const Range piece = partition(static_cast<std::int64_t>(mine.size()), count, micro);
  return mine.subspan(static_cast<std::size_t>(piece.begin), static_cast<std::size_t>(piece.size()));
}

std::int64_t Trainer::share_of(Range batch) const {
  return static_cast<std::int64_t>(
      batch_shard(order_, batch, context_.comm.size(), context_.comm.rank()).size());
}

void Trainer::train_batch() {
  const Range batch = batch_range(rows_, plan_.batch_size, progress_.batch);
  double batch_loss;
  {
    Stopwatch watch(spent_.total);
    batch_loss = local_ ? local_step(batch) : joint_step(batch);
  }
  ++progress_.batch, ++progress_.step;
  spent_.rows += batch.size();
  if (average_) average_->update(progress_.step);
  log_.batch(plan_, progress_, rows_, batch_loss, spent_);

  if (plan_.every_batches > 0 && progress_.step % plan_.every_batches == 0) checkpoint_counted_ = true;
  if (!ranks_agree()) return;
  if (checkpoints_.uncommitted() && parameters_.extra(unwritten) == 0) checkpoints_.commit();
  const bool asked = parameters_.extra(stop) > 0;
  if (asked || parameters_.extra(checkpoint_due) > 0 || checkpoint_counted_) {
    Stopwatch watch(spent_.total);
    save_checkpoint();
    checkpoint_counted_ = false;
  }
  if (!asked) return;
  checkpoints_.finish();
  throw Stopped();
}

/// Whether all ranks hold the same weights after the batches done so far.
bool Trainer::ranks_agree() const {
  return !local_ || local_->round_ends(progress_.batch, batches_);
}

/// A step that all ranks take together; returns the batch's mean loss.
double Trainer::joint_step(Range batch) {
  compute_gradients(batch, batch.size());
  if (reduce_gradients()) update_parameters();
  if (exchange_.divides_update()) {
    TimedSpan span(context_.timeline, "share", category);
    Stopwatch watch(spent_.communication);
    exchange_.share_values();
  }
  buffers_.after_step(static_cast<double>(share_of(batch)) / static_cast<double>(batch.size()));
  const double mean_loss = parameters_.extra(loss);
  progress_.epoch_loss += mean_loss * static_cast<double>(batch.size());
  return mean_loss;
}

/// A step of this rank's own, on its share of the batch; returns the mean loss of that. Without rows, in the last batch of
/// an epoch, the gradient is zero.
double Trainer::local_step(Range batch) {
  const std::int64_t share = share_of(batch);
  compute_gradients(batch, share);
  if (plan_.clip_norm > 0) gradient_norm_ = exchange_.norm();
  update_parameters();
  const double mean_loss = parameters_.extra(loss);
  if (!std::isfinite(mean_loss)) note_not_finite(batch);
  round_loss_ += mean_loss * static_cast<double>(share);
  if (local_->round_ends(progress_.batch + 1, batches_)) end_round();
  return mean_loss;
}

/// Brings the ranks together again.
void Trainer::end_round() {
  {
    // Ranks drift apart over a round: as after any local work, this wait may take any time.
    Stopwatch watch(spent_.communication);
    run_together(context_.comm, [&] { local_->leave_way(); });
  }
  parameters_.set_extra(loss, round_loss_);
  round_loss_ = 0;
  reduce_gradients();
  {
    TimedSpan span(context_.timeline, "outer step", category);
    Stopwatch watch(spent_.communication);
    local_->step();
  }
  buffers_.after_step(1.0 / context_.comm.size());
  progress_.epoch_loss += parameters_.extra(loss);
}

/// Leaves this rank's part of the gradient of a mean loss over `counted` rows in the flat buffer: the cut over ranks and
/// micro-batches does not change the sum.
void Trainer::compute_gradients(Range batch, std::int64_t counted) {
  parameters_.zero();
  row_losses_.clear();
  if (progress_.loss_scale) setup_.step.set_loss_scale(progress_.loss_scale->value());
  for (std::int64_t micro = 0; micro < exchange_.micro_batches(); ++micro) {
    exchange_.begin_backward(!local_ && micro + 1 == exchange_.micro_batches());
    const Batch* piece;
    {
      TimedSpan span(context_.timeline, "input", category);
      Stopwatch watch(spent_.input);
      piece = &input_.next();
    }
    if (piece->rows > 0) compute_part(*piece, micro, counted);
    buffers_.after_shard(static_cast<double>(piece->rows) / static_cast<double>(batch.size()));
    exchange_.end_backward();
  }
}

void Trainer::compute_part(const Batch& piece, std::int64_t micro, std::int64_t counted) {
  // Dropout is a function of seed, batch, rank and micro-batch: nothing to save, and a resumed run draws the
  // same.
  const std::int64_t number = context_.comm.rank() * exchange_.micro_batches() + micro;
  torch::manual_seed(mixed_seed(plan_.seed, static_cast<std::uint64_t>(progress_.step) + 1,
                                static_cast<std::uint64_t>(number) + 1));
  const PartialLoss result = setup_.step.forward_backward(piece, counted);
  parameters_.add_extra(loss, result.share);
  if (result.row_loss.defined()) row_losses_.push_back({result.row_loss, micro});
}

/// Which rows of this rank have a loss that is not finite. What follows the first batch that has any is no news.
void Trainer::note_not_finite(Range batch) {
  if (bad_.count > 0) return;
  for (const RowLosses& part : row_losses_) {
    const auto wrong = part.losses.isfinite().logical_not();
    const auto count = wrong.sum().item<std::int64_t>();
    if (count == 0) continue;
    const auto first = static_cast<std::size_t>(wrong.to(at::kInt).argmax().item<std::int64_t>());
    if (bad_.count == 0) bad_ = {0, rows_of(batch, part.micro)[first], progress_.batch, share_of(batch)};
    bad_.count += count;
  }
}

/// What the ranks left in the flat gradients and beside them, summed. Returns whether they are of use: gradients that a
/// scaled loss made infinite are not. Throws Error (bad_data) where they are not finite for another reason.
bool Trainer::reduce_gradients() {
  if (context_.stop.requested()) parameters_.set_extra(stop, 1);
  if (context_.first() && checkpoint_is_old()) parameters_.set_extra(checkpoint_due, 1);
  if (checkpoints_.unwritten()) parameters_.set_extra(unwritten, 1);
  {
    TimedSpan span(context_.timeline, "reduce", category);
    Stopwatch watch(spent_.communication);
    exchange_.begin_backward(true);
    exchange_.finish();
  }
  if (const auto news = exchange_.news()) log_.write(str("gradients reduced: ", *news, "\n"));
  setup_.device.synchronize();  // a GPU's kernels and communication are waited for here, together
  auto& scale = progress_.loss_scale;
  gradient_norm_ = exchange_.norm() / (scale ? scale->value() : 1);
  // One infinity or NaN makes the norm one: every rank sees it here.
  const bool loss_is_finite = std::isfinite(parameters_.extra(loss));
  const bool finite = loss_is_finite && std::isfinite(gradient_norm_);
  if (finite && scale) part(parameters_.gradients(), exchange_.own()).mul_(1 / scale->value());
  if (loss_is_finite && scale) {
    const double before = scale->value();
    scale->update(finite);
    if (scale->value() != before)
      log_.write(str("loss scale ", significant(scale->value()), " from batch ", progress_.step + 2, " on",
                     finite ? "" : ": a gradient was infinite, and this batch is left out", "\n"));
  }
  if (!finite && !(loss_is_finite && scale && !scale->exhausted())) refuse();
  return finite;
}

void Trainer::update_parameters() {
  TimedSpan span(context_.timeline, "optimizer", category);
  torch::NoGradGuard no_grad;
  if (plan_.clip_norm > 0 && gradient_norm_ > plan_.clip_norm) {
    at::Tensor gradients = part(parameters_.gradients(), exchange_.own());
    gradients.mul_(plan_.clip_norm / (gradient_norm_ + 1e-6));  // as torch.nn.utils.clip_grad_norm_
  }
  optimizer_->step(learning_rate_.at(progress_.step));
}

void Trainer::refuse() {
  if (!local_ && !std::isfinite(parameters_.extra(loss)))
    note_not_finite(batch_range(rows_, plan_.batch_size, progress_.batch));
  checkpoints_.finish();  // what was saved before this batch is to go on from
  NotFinite all;
  bool rows_differ = false;  // in one rank's share: weights that diverged would fail all of them
  for (const NotFinite& rank : context_.comm.all_gather_value(bad_)) {
    if (rank.count == 0 || (all.count > 0 && rank.batch > all.batch)) continue;
    if (all.count == 0 || rank.batch < all.batch)
      all = rank, rows_differ = false;
    else
      all.count += rank.count;
    rows_differ = rows_differ || rank.count < rank.share;
  }
  const std::int64_t batch = all.count > 0 ? all.batch : progress_.batch;
  const std::string place = str(" is not finite at epoch ", progress_.epoch + 1, ", batch ", batch + 1);
  if (all.count == 0) {
    const bool in_loss = !std::isfinite(parameters_.extra(loss));
    throw Error(ExitStatus::bad_data, (in_loss ? "loss" : "gradient") + place, "a lower learning rate");
  }
  const Dataset& data = setup_.train.data();
  std::int64_t source = all.first;
  if (data.info().find("row")) data.gather("row", std::span(&all.first, 1), &source);
  const std::int64_t rows = batch_range(rows_, plan_.batch_size, batch).size();
  throw Error(ExitStatus::bad_data,
              str("loss", place, ": ", all.count, " of ", rows, " rows, the first is source row ", source),
              (local_ ? rows_differ : all.count < rows) ? "look for missing or infinite values in that row"
                                                        : "a lower learning rate");
}

void Trainer::finish_epoch() {
  const std::int64_t epoch = progress_.epoch + 1;
  if (average_) average_->swap();  // what is validated is what would be kept
  const Json metrics = measure_epoch();
  selection_.consider(metrics, progress_);
  if (average_) average_->swap();
  log_.epoch(plan_, metrics, learning_rate_.at(progress_.step - 1), spent_);
  progress_.history.push_back(metrics);
  ++progress_.epoch, progress_.batch = 0, progress_.epoch_loss = 0;
  if (plan_.every_epochs > 0 && epoch % plan_.every_epochs == 0) save_checkpoint();
}

Json Trainer::measure_epoch() {
  const std::int64_t epoch = progress_.epoch + 1;
  Json metrics = {{"epoch", epoch}, {"train_loss", progress_.epoch_loss / static_cast<double>(rows_)}};
  if (!setup_.validation) return metrics;
  TimedSpan span(context_.timeline, "validation", category);
  metrics.update(
      validation_metrics(setup_.model, *setup_.validation, setup_.task, setup_.target, context_.comm));
  if (!std::isfinite(metrics.at("validation_loss").get<double>())) {
    throw Error(ExitStatus::bad_data, str("validation loss is not finite at epoch ", epoch),
                "look for missing or infinite values in the validation data");
  }
  return metrics;
}

bool Trainer::checkpoint_is_old() const {
  return plan_.every_seconds > 0 && monotonic_seconds() - last_checkpoint_ >= plan_.every_seconds;
}

void Trainer::save_checkpoint() {
  TimedSpan span(context_.timeline, "checkpoint", category);
  checkpoints_.save(progress_.step, progress_.to_json());
  last_checkpoint_ = monotonic_seconds();
}

}  // namespace rankflow
