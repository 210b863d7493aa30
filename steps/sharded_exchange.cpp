#include "steps/sharded_exchange.h"

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <numeric>

#include "base/text.h"

namespace rankflow {
namespace {

constexpr std::int64_t cache_line = 64;  // bytes

}  // namespace

ShardedExchange::ShardedExchange(Communicator& comm, const FlatParameters& parameters)
    : comm_(comm), parameters_(parameters) {
  const at::Tensor& values = parameters.values();
  const auto width = static_cast<std::int64_t>(values.element_size());
  const std::int64_t line = cache_line / width;  // the flat buffers are padded to whole ones
  for (int r = 0; r < comm.size(); ++r) {
    const Range lines = partition(values.numel() / line, comm.size(), r);
    counts_.push_back(lines.size() * line);
    bytes_.push_back(counts_.back() * width);
  }
}

Range ShardedExchange::own() const {
  const auto mine = counts_.begin() + comm_.rank();
  const std::int64_t begin = std::accumulate(counts_.begin(), mine, std::int64_t{0});
  return {begin, begin + *mine};
}

void ShardedExchange::finish() {
  const at::Tensor& gradients = parameters_.gradients();
  const DType type = element_type({"gradients", gradients});
  comm_.reduce_scatter_unequal(gradients.data_ptr(), counts_, type, ReduceOp::sum);
  comm_.all_reduce(parameters_.reduced().data_ptr(),
                   static_cast<std::size_t>(parameters_.extra_in_reduced().size()), type, ReduceOp::sum);
}

double ShardedExchange::norm() const {
  const auto mine = part(parameters_.gradients(), own()).norm().item<double>();
  return std::sqrt(comm_.all_reduce_value(mine * mine, ReduceOp::sum));
}

void ShardedExchange::share() const {
  const at::Tensor& values = parameters_.values();
  auto* all = static_cast<std::byte*>(values.data_ptr());
  comm_.all_gather_unequal(all + own().begin * static_cast<std::int64_t>(values.element_size()), bytes_, all);
}

at::Tensor ShardedExchange::whole(const at::Tensor& part) const {
  at::Tensor all = torch::empty_like(parameters_.values());
  comm_.all_gather_unequal(part.data_ptr(), bytes_, all.data_ptr());
  return all;
}

std::string ShardedExchange::description() const {
  return str("sharded over ", comm_.size(), " ranks (ZeRO-1), up to ", human_count(counts_.front()),
             " parameters each, after backward");
}

}  // namespace rankflow
