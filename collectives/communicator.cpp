#include "collectives/communicator.h"

namespace rankflow {

int Communicator::lowest_failed(bool failed) {
  return all_reduce_value<std::int32_t>(failed ? rank() : size(), ReduceOp::min);
}

void Communicator::reduce_scatter(void* data, std::size_t count, DType type, ReduceOp op) {
  const std::vector<std::int64_t> counts(static_cast<std::size_t>(size()), static_cast<std::int64_t>(count));
  reduce_scatter_unequal(data, counts, type, op);
}

void Communicator::gather(const void* in, std::size_t bytes, void* out, int root) {
  const std::vector<std::int64_t> sizes(static_cast<std::size_t>(size()), static_cast<std::int64_t>(bytes));
  gather_unequal(in, sizes, out, root);
}

std::vector<std::string> Communicator::all_gather_text(const std::string& mine) {
  const auto sizes = all_gather_value<std::int64_t>(static_cast<std::int64_t>(mine.size()));
  std::size_t total = 0;
  for (auto s : sizes) total += static_cast<std::size_t>(s);
  std::string joined(total, '\0');
  all_gather_unequal(mine.data(), sizes, joined.data());

  std::vector<std::string> texts;
  std::size_t begin = 0;
  for (auto s : sizes) {
    texts.push_back(joined.substr(begin, static_cast<std::size_t>(s)));
    begin += static_cast<std::size_t>(s);
  }
  return texts;
}

std::string Communicator::broadcast_text(std::string text, int root) {
  auto bytes = static_cast<std::int64_t>(text.size());
  broadcast(&bytes, sizeof bytes, root);
  text.resize(static_cast<std::size_t>(bytes));
  broadcast(text.data(), text.size(), root);
  return text;
}

}  // namespace rankflow
