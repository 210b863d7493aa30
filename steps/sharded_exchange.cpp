#include "steps/sharded_exchange.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/text.h"

namespace rankflow {
namespace {

constexpr std::int64_t cache_line = 64;  // bytes
constexpr std::int64_t page = 4096;
/// Elements that stay in the cores' caches from rank to rank; a GPU takes all.
std::int64_t added_at_once(const at::Tensor& flat) {
  return flat.is_cuda() ? std::max<std::int64_t>(flat.numel(), 1) : std::int64_t{at::get_num_threads()} << 16;
}

std::int64_t whole_pages(const at::Tensor& t) {
  return ceil_div(static_cast<std::int64_t>(t.nbytes()), page) * page;
}

/// Like `t`, at `offset` of the shared memory, which lives as long as the tensor.
at::Tensor place(const std::shared_ptr<HostMemory>& shared, std::int64_t offset, const at::Tensor& t) {
  return torch::from_blob(
      shared->data() + offset, t.sizes(), [shared](void*) {}, t.options());
}

}  // namespace

std::vector<Range> parts_of(const FlatParameters& parameters, int ranks) {
  const at::Tensor& values = parameters.values();
  const std::int64_t line = cache_line / static_cast<std::int64_t>(values.element_size());
  std::vector<Range> parts;
  for (int r = 0; r < ranks; ++r) {
    const Range lines = partition(values.numel() / line, ranks, r);  // the buffers are padded to whole ones
    parts.push_back({lines.begin * line, lines.end * line});
  }
  return parts;
}

double sum_of_squares(const at::Tensor& flat, Range elements) {
  double sum = 0;
  const std::int64_t length = added_at_once(flat);
  for (std::int64_t begin = elements.begin; begin < elements.end; begin += length) {
    const auto norm = part(flat, {begin, std::min(elements.end, begin + length)}).norm().item<double>();
    sum += norm * norm;
  }
  return sum;
}

std::size_t ShardedExchange::bytes_to_share(const Communicator& comm, const FlatParameters& parameters) {
  return static_cast<std::size_t>(whole_pages(parameters.values()) +
                                  comm.size() * whole_pages(parameters.reduced()));
}

ShardedExchange::ShardedExchange(Communicator& comm, FlatParameters& parameters,
                                 const std::vector<Range>& parts, std::shared_ptr<HostMemory> shared)
    : comm_(comm), parameters_(parameters), parts_(parts) {
  const auto width = static_cast<std::int64_t>(parameters.values().element_size());
  for (const Range& part : parts_) bytes_.push_back(part.size() * width);
  if (!shared) return;
  const std::int64_t values = whole_pages(parameters.values()), reduced = whole_pages(parameters.reduced());
  const std::int64_t ahead = parameters.extra_in_reduced().size(), n = parameters.values().numel();
  for (int r = 0; r < comm.size(); ++r) {
    const at::Tensor buffer = place(shared, values + r * reduced, parameters.reduced());
    gradients_.push_back(buffer.narrow(0, ahead, n));
    // The first rank's weights are everybody's.
    if (r == comm.rank()) parameters.move_to(place(shared, 0, parameters.values()), r > 0, buffer);
  }
}

void ShardedExchange::finish() {
  const DType type = element_type({"gradients", parameters_.gradients()});
  if (gradients_.empty()) sum_messages(type);
  // In shared memory this is also what tells that every rank's gradients are there.
  comm_.all_reduce(parameters_.reduced().data_ptr(),
                   static_cast<std::size_t>(parameters_.extra_in_reduced().size()), type, ReduceOp::sum);
  if (!gradients_.empty()) add_up();
}

void ShardedExchange::sum_messages(DType type) {
  std::vector<std::int64_t> counts;
  for (const Range& part : parts_) counts.push_back(part.size());
  comm_.reduce_scatter_unequal(parameters_.gradients().data_ptr(), counts, type, ReduceOp::sum);
  square_ = sum_of_squares(parameters_.gradients(), own());
}

/// Own ones first, then those of the ranks after this: an order that no timing changes.
void ShardedExchange::add_up() {
  torch::NoGradGuard no_grad;
  square_ = 0;
  const Range all = own();
  const std::int64_t length = added_at_once(parameters_.gradients());
  for (std::int64_t begin = all.begin; begin < all.end; begin += length) {
    const Range piece{begin, std::min(all.end, begin + length)};
    at::Tensor mine = part(parameters_.gradients(), piece);
    for (int i = 1; i < comm_.size(); ++i)
      mine.add_(part(gradients_[static_cast<std::size_t>((comm_.rank() + i) % comm_.size())], piece));
    square_ += sum_of_squares(parameters_.gradients(), piece);  // while the piece is in the core's cache
  }
}

// In shared memory this is also what tells that nobody reads this rank's gradients any longer, nor the values before any is
// updated.
double ShardedExchange::norm() const {
  return std::sqrt(comm_.all_reduce_value(square_, ReduceOp::sum));
}

void ShardedExchange::share() const {
  if (!gradients_.empty()) {
    comm_.barrier();
    return;
  }
  const at::Tensor& values = parameters_.values();
  auto* all = static_cast<std::byte*>(values.data_ptr());
  comm_.all_gather_unequal(all + own().begin * static_cast<std::int64_t>(values.element_size()), bytes_, all);
}

std::string ShardedExchange::description() const {
  const std::string part = str("up to ", human_count(parts_.front().size()), " parameters each");
  if (gradients_.empty())
    return str("sharded over ", comm_.size(), " ranks (ZeRO-1), ", part, ", after backward");
  return str("in memory that the ", comm_.size(), " ranks of this host share, ", part, ", after backward");
}

}  // namespace rankflow
