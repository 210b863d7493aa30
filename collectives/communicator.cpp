#include "collectives/communicator.h"

namespace rankflow {

const char* name(DType t) {
  switch (t) {
    case DType::u8:
      return "u8";
    case DType::i32:
      return "i32";
    case DType::i64:
      return "i64";
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
  }
  return "unknown dtype";
}

const char* name(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "sum";
    case ReduceOp::max:
      return "max";
    case ReduceOp::min:
      return "min";
  }
  return "unknown operation";
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
