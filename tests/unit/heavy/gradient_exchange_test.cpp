#include "steps/gradient_exchange.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>

namespace rankflow {
namespace {

bool is_bias(const std::string& name, const at::Tensor&) {
  return name.ends_with("bias");
}

class ExchangeOrderTest : public testing::Test {
 protected:
  torch::nn::Sequential model_{torch::nn::Linear(3, 5), torch::nn::Linear(5, 2), torch::nn::Linear(2, 1)};
};

TEST_F(ExchangeOrderTest, FromTheLastLayerToTheFirst) {
  const FlatParameters flat(*model_, 3, [](const std::string&, const at::Tensor&) { return false; });
  const auto order = exchange_order(flat);
  ASSERT_EQ(order.pieces.size(), 7u);
  EXPECT_EQ(order.piece_of_slot, (std::vector<std::size_t>{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(order.pieces[0].elements, (Range{16 + 80, 16 + 96})) << "the last bias";
  EXPECT_EQ(order.pieces[6].elements, (Range{0, 16})) << "what is reduced along";
  for (std::size_t i = 1; i < order.pieces.size(); ++i)
    EXPECT_EQ(order.pieces[i].elements.end, order.pieces[i - 1].elements.begin) << "neighbours in memory";
}

TEST_F(ExchangeOrderTest, ParametersThatLieApartTravelAtTheEnd) {
  const FlatParameters flat(*model_, 3, is_bias);
  const auto order = exchange_order(flat);
  EXPECT_EQ(order.piece_of_slot, (std::vector<std::size_t>{2, 1, 0, 6, 5, 4}));
}

TEST_F(ExchangeOrderTest, CoversTheBufferOnce) {
  const FlatParameters flat(*model_, 3, is_bias);
  std::vector<int> covered(static_cast<std::size_t>(flat.reduced().numel()));
  for (const auto& piece : exchange_order(flat).pieces)
    for (auto i = piece.elements.begin; i < piece.elements.end; ++i) ++covered[static_cast<std::size_t>(i)];
  EXPECT_TRUE(std::all_of(covered.begin(), covered.end(), [](int times) { return times == 1; }));
}

TEST_F(ExchangeOrderTest, APieceIsWhereItsGradientIs) {
  const FlatParameters flat(*model_, 3, is_bias);
  const auto order = exchange_order(flat);
  for (std::size_t s = 0; s < flat.slots().size(); ++s) {
    const Range where = order.pieces[order.piece_of_slot[s]].elements;
    const at::Tensor piece = flat.reduced().slice(0, where.begin, where.end);
    EXPECT_EQ(piece.data_ptr(), flat.slots()[s].parameter.grad().data_ptr()) << flat.slots()[s].name;
    EXPECT_GE(where.size(), flat.slots()[s].parameter.numel());
  }
}

}  // namespace
}  // namespace rankflow
