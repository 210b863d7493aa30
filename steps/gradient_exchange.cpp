#include "steps/gradient_exchange.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

using Overlap = GradientReducerOptions::Overlap;

/// A tensor's elements, kept for as long as somebody holds the pointer.
std::shared_ptr<void> memory_of(const at::Tensor& tensor) {
  return {std::make_shared<at::Tensor>(tensor), tensor.data_ptr()};
}

DType wire_type(const TrainingPlan& plan, DType own) {
  if (plan.gradient_compression == "none") return own;
  if (own != DType::f32)
    throw Error(
        ExitStatus::configuration,
        str("gradient_compression: ", plan.gradient_compression, " with precision: ", name(plan.precision)),
        "precision: float32");
  return plan.gradient_compression == "float16" ? DType::f16 : DType::bf16;
}

GradientReducerOptions options_of(const StepContext& context, const FlatParameters& parameters,
                                  const TrainingPlan& plan) {
  const DType own = element_type({"gradients", parameters.reduced()});
  GradientReducerOptions options{
      .dtype = own, .wire = wire_type(plan, own), .cores = context.threads, .timeline = &context.timeline};
  if (!plan.local_steps.is_null()) {
    options.overlap = Overlap::never;
    options.why = "what travels is how far each rank went in a round";
  } else if (plan.overlap != "auto") {
    options.overlap = plan.overlap == "always" ? Overlap::always : Overlap::never;
  }
  return options;
}

/// Whether one copy of the values may serve all ranks, each of which updates a part: nothing may change all of them on each
/// rank. By itself only for two ranks: sums of two are the same bits in any order, and so a training is the same
/// on one host as on two.
bool goes_with_shared_values(const TrainingPlan& plan, int ranks) {
  if (ranks == 1 || plan.overlap == "shared") return ranks > 1;
  return ranks == 2 && plan.overlap == "auto" && plan.gradient_compression == "none" &&
         plan.local_steps.is_null() && plan.ema_decay == 0;
}

}  // namespace

// Parameters that lie apart would cut the buckets of the others into pieces if they came when they are final:
// they are few and small, and travel at the end. What is reduced along is known after backward, and lies beside
// the first layer, which is the last to be final.
ExchangeOrder exchange_order(const FlatParameters& parameters) {
  const auto& slots = parameters.slots();
  const auto together =
      static_cast<std::size_t>(std::count_if(slots.begin(), slots.end(), [&](const ParameterSlot& s) {
        return s.offset < parameters.together().end;
      }));
  ExchangeOrder order;
  order.piece_of_slot.resize(slots.size());
  const auto add = [&](std::size_t slot) {
    order.piece_of_slot[slot] = order.pieces.size();
    order.pieces.push_back({parameters.in_reduced(slot)});
  };
  for (std::size_t i = together; i-- > 0;) add(i);
  order.pieces.push_back({parameters.extra_in_reduced(), /*full_precision=*/true});
  for (std::size_t i = slots.size(); i-- > together;) add(i);
  return order;
}

GradientExchange::GradientExchange(const StepContext& context, const StepDevice& device,
                                   FlatParameters& parameters, const TrainingPlan& plan)
    : parameters_(parameters),
      parts_(parts_of(parameters, context.comm.size())),
      micro_batches_(plan.accumulate) {
  if (plan.deterministic()) {
    tree_.emplace(device.comm(), parameters.reduced(), plan.virtual_shards);
    micro_batches_ = tree_->shards_per_rank();
  } else if (plan.shard_optimizer && device.is_gpu()) {
    shards_.emplace(device.comm(), parameters, parts_);
  } else if (device.is_gpu()) {
    exchange_on_gpus(context, device, plan);
  } else {
    exchange_on_host(context, plan);
  }
  if (device.is_gpu() && !shards_)
    norm_ = torch::zeros({}, parameters.values().options().device(at::kCPU).pinned_memory(true));
}

void GradientExchange::exchange_on_host(const StepContext& context, const TrainingPlan& plan) {
  std::shared_ptr<HostMemory> shared;
  if (goes_with_shared_values(plan, context.comm.size())) {
    shared = HostMemory::make(context.comm, ShardedExchange::bytes_to_share(context.comm, parameters_),
                              why_messages_);
    if (!shared && plan.overlap == "shared")
      throw Error(ExitStatus::configuration, "overlap: shared can't be: " + why_messages_, "overlap: auto");
  }
  if (shared || plan.shard_optimizer) {
    shards_.emplace(context.comm, parameters_, parts_, shared);
    return;
  }
  reducer_.emplace(context.comm, memory_of(parameters_.reduced()), exchange_order(parameters_).pieces,
                   options_of(context, parameters_, plan));
  if (context.comm.size() > 1) add_hooks([this](std::size_t piece) { reducer_->ready(piece); });
}

void GradientExchange::exchange_on_gpus(const StepContext& context, const StepDevice& device,
                                        const TrainingPlan& plan) {
  if (plan.overlap == "shared")
    throw Error(ExitStatus::configuration,
                "overlap: shared is for memory of the host, and the weights are on a GPU", "overlap: auto");
  const DType own = element_type({"gradients", parameters_.reduced()});
  const DType wire = wire_type(plan, own);
  if (context.comm.size() == 1) return;
  device_reducer_.emplace(
      *device.gpus(), parameters_.reduced(), exchange_order(parameters_).pieces,
      wire == own ? std::nullopt : std::optional(scalar_type(wire)),
      plan.overlap != "never" && plan.cuda_graph != "always" && plan.local_steps.is_null());
  add_hooks([this](std::size_t piece) { device_reducer_->ready(piece); });
}

/// `ready` is told which piece of the exchange's order a parameter's gradient is.
void GradientExchange::add_hooks(std::function<void(std::size_t)> ready) {
  std::vector<at::Tensor> trained;
  for (const auto& slot : parameters_.slots()) trained.push_back(slot.parameter);
  hooks_.emplace(trained, [ready = std::move(ready), pieces = exchange_order(parameters_).piece_of_slot](
                              std::size_t slot) { ready(pieces[slot]); });
}

void GradientExchange::finish() {
  if (tree_) tree_->finish();
  if (shards_) shards_->finish();
  if (reducer_) reducer_->finish();
  if (device_reducer_) device_reducer_->finish();
  parameters_.fetch_extras();
  if (norm_.defined()) queue_norm();
}

void GradientExchange::queue_norm() {
  torch::NoGradGuard no_grad;
  norm_.copy_(parameters_.gradients().norm(), /*non_blocking=*/true);
  norm_is_known_ = true;
}

double GradientExchange::norm() const {
  if (shards_) return shards_->norm();
  if (norm_is_known_) return norm_.item<double>();
  // In no parts that follow the ranks, and on a GPU in one piece.
  if (tree_ || norm_.defined()) return parameters_.gradients().norm().item<double>();
  double square = 0;
  for (const Range& part : parts_) square += sum_of_squares(parameters_.gradients(), part);
  return std::sqrt(square);
}

std::string GradientExchange::description() const {
  if (tree_) return tree_->description();
  if (device_reducer_) return device_reducer_->description();
  if (!shards_ && !reducer_) return "not: one rank, on its GPU";
  const std::string way = shards_ ? shards_->description() : reducer_->description();
  return way + (why_messages_.empty() ? "" : str("; in messages: ", why_messages_));
}

void GradientExchange::close() {
  hooks_.reset();
  if (tree_) tree_->close();
  if (reducer_) reducer_->close();
}

std::optional<std::string> GradientExchange::news() {
  const bool decided = !reducer_ || reducer_->decided();
  if (told_ && told_decision_ == decided) return std::nullopt;
  told_ = true;
  told_decision_ = decided;
  return description();
}

}  // namespace rankflow
