// Every collective over MPI against what one rank computes by itself; reductions to all ranks have a file of their own.
#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"
#include "base/text.h"
#include "collectives/mpi_communicator.h"
#include "tests/mpi/collective_values.h"
#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

/// Rank r brings r * 3 bytes: none from rank 0, and the sizes differ.
std::vector<std::int64_t> unequal_sizes(int size) {
  std::vector<std::int64_t> sizes;
  for (int r = 0; r < size; ++r) sizes.push_back(r * 3);
  return sizes;
}

std::string letters(int rank, std::size_t count) {
  return std::string(count, static_cast<char>('a' + rank));
}

std::string all_letters(const std::vector<std::int64_t>& sizes) {
  std::string text;
  for (std::size_t r = 0; r < sizes.size(); ++r)
    text += letters(static_cast<int>(r), static_cast<std::size_t>(sizes[r]));
  return text;
}

/// This rank's piece of what a reduce_scatter leaves in `data`.
template <typename T>
std::vector<T> piece_of(const std::vector<T>& data, const std::vector<std::int64_t>& counts, int rank) {
  auto begin = data.begin();
  for (int r = 0; r < rank; ++r) begin += counts[static_cast<std::size_t>(r)];
  return {begin, begin + counts[static_cast<std::size_t>(rank)]};
}

template <typename T>
void expect_reduce_scatter(Communicator& comm, const std::vector<std::int64_t>& counts) {
  const auto total = static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  for (ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min}) {
    auto data = values_of<T>(comm.rank(), total);
    comm.reduce_scatter_unequal(data.data(), counts, dtype_of<T>::value, op);
    EXPECT_TRUE(piece_of(data, counts, comm.rank()) ==
                piece_of(reference<T>(comm.size(), total, op), counts, comm.rank()))
        << name(op) << " of " << name(dtype_of<T>::value);
  }
}

TEST(ReduceScatter, EqualPieces) {
  Communicator& all = test_world().all();
  for (std::size_t count : kCounts) {
    const std::size_t total = count * static_cast<std::size_t>(all.size());
    auto data = values_of<float>(all.rank(), total);
    all.reduce_scatter(data.data(), count, DType::f32, ReduceOp::sum);
    const std::vector<std::int64_t> counts(static_cast<std::size_t>(all.size()),
                                           static_cast<std::int64_t>(count));
    EXPECT_TRUE(piece_of(data, counts, all.rank()) ==
                piece_of(reference<float>(all.size(), total, ReduceOp::sum), counts, all.rank()));
  }
}

TEST(ReduceScatter, UnequalPieces) {
  Communicator& all = test_world().all();
  std::vector<std::int64_t> counts;
  for (int r = 0; r < all.size(); ++r) counts.push_back(r % 2 == 0 ? 1000 + r : 0);
  expect_reduce_scatter<std::int64_t>(all, counts);
  expect_reduce_scatter<float>(all, counts);
  expect_reduce_scatter<double>(all, counts);
}

TEST(ReduceScatter, Mean) {
  Communicator& all = test_world().all();
  std::vector<float> data(static_cast<std::size_t>(all.size()) * 3, static_cast<float>(all.rank()));
  all.reduce_scatter(data.data(), 3, DType::f32, ReduceOp::mean);
  EXPECT_EQ(data[static_cast<std::size_t>(all.rank()) * 3 + 2], static_cast<float>(all.size() - 1) / 2);
}

TEST(Broadcast, EveryRootEverySize) {
  Communicator& all = test_world().all();
  for (int root = 0; root < all.size(); ++root) {
    for (std::size_t count : kCounts) {
      auto data = values_of<std::int64_t>(all.rank(), count);
      all.broadcast(data.data(), count * sizeof(std::int64_t), root);
      EXPECT_TRUE(data == values_of<std::int64_t>(root, count)) << count << " from " << root;
    }
  }
}

TEST(Broadcast, RefusesARootThatIsNotThere) {
  Communicator& all = test_world().all();
  int value = 0;
  EXPECT_THROW(all.broadcast(&value, sizeof value, all.size()), Error);
  EXPECT_THROW(all.broadcast(&value, sizeof value, -1), Error);
}

TEST(AllGather, RankOrder) {
  Communicator& all = test_world().all();
  for (std::size_t count : kCounts) {
    const auto mine = values_of<float>(all.rank(), count);
    std::vector<float> expected;
    for (int r = 0; r < all.size(); ++r) {
      const auto part = values_of<float>(r, count);
      expected.insert(expected.end(), part.begin(), part.end());
    }
    std::vector<float> gathered(expected.size());
    all.all_gather(mine.data(), count * sizeof(float), gathered.data());
    EXPECT_TRUE(gathered == expected) << count;
  }
}

TEST(AllGather, InPlace) {
  Communicator& all = test_world().all();
  std::vector<std::int64_t> places(static_cast<std::size_t>(all.size()), -1), expected;
  for (int r = 0; r < all.size(); ++r) expected.push_back(r * 11);
  std::int64_t* mine = &places[static_cast<std::size_t>(all.rank())];
  *mine = all.rank() * 11;
  all.all_gather(mine, sizeof *mine, places.data());
  EXPECT_EQ(places, expected);
}

TEST(AllGatherUnequal, InPlace) {
  Communicator& all = test_world().all();
  const auto sizes = unequal_sizes(all.size());
  std::string text(all_letters(sizes).size(), ' ');
  std::size_t begin = 0;
  for (int r = 0; r < all.rank(); ++r) begin += static_cast<std::size_t>(r) * 3;
  const auto mine = letters(all.rank(), static_cast<std::size_t>(all.rank() * 3));
  text.replace(begin, mine.size(), mine);
  all.all_gather_unequal(text.data() + begin, sizes, text.data());
  EXPECT_EQ(text, all_letters(sizes));
}

TEST(AllGatherUnequal, RankOrderWithNothingFromSome) {
  Communicator& all = test_world().all();
  const auto sizes = unequal_sizes(all.size());
  const auto mine = letters(all.rank(), static_cast<std::size_t>(all.rank() * 3));
  std::string gathered(all_letters(sizes).size(), ' ');
  all.all_gather_unequal(mine.data(), sizes, gathered.data());
  EXPECT_EQ(gathered, all_letters(sizes));
}

TEST(AllGatherUnequal, NothingFromAnyone) {
  Communicator& all = test_world().all();
  const std::vector<std::int64_t> sizes(static_cast<std::size_t>(all.size()), 0);
  all.all_gather_unequal(nullptr, sizes, nullptr);
}

TEST(AllGatherUnequal, RefusesSizesThatDoNotFit) {
  Communicator& all = test_world().all();
  const std::vector<std::int64_t> too_many(static_cast<std::size_t>(all.size()) + 1, 1);
  std::vector<std::int64_t> negative(static_cast<std::size_t>(all.size()), -1);
  char in = 'x', out[8];
  EXPECT_THROW(all.all_gather_unequal(&in, too_many, out), Error);
  EXPECT_THROW(all.gather_unequal(&in, negative, out, 0), Error);
}

TEST(GatherUnequal, EveryRoot) {
  Communicator& all = test_world().all();
  const auto sizes = unequal_sizes(all.size());
  const auto mine = letters(all.rank(), static_cast<std::size_t>(all.rank() * 3));
  for (int root = 0; root < all.size(); ++root) {
    std::string gathered(all_letters(sizes).size(), ' ');
    const bool receives = all.rank() == root;
    all.gather_unequal(mine.data(), sizes, receives ? gathered.data() : nullptr, root);
    EXPECT_EQ(gathered, receives ? all_letters(sizes) : std::string(gathered.size(), ' '));
  }
}

TEST(Gather, EqualSizes) {
  Communicator& all = test_world().all();
  const auto size = static_cast<std::size_t>(all.size());
  std::vector<std::int32_t> out(size, -1), expected(size);
  std::iota(expected.begin(), expected.end(), 0);
  const std::int32_t mine = all.rank();
  all.gather(&mine, sizeof mine, out.data(), all.size() - 1);
  EXPECT_EQ(out, all.rank() == all.size() - 1 ? expected : std::vector<std::int32_t>(size, -1));
}

TEST(Split, GroupsByColorInRankOrder) {
  Communicator& all = test_world().all();
  const auto part = all.split(all.rank() % 2);
  EXPECT_EQ(part->size(), (all.size() + 1 - all.rank() % 2) / 2);
  EXPECT_EQ(part->rank(), all.rank() / 2);
  const std::vector<int> members = part->all_gather_value(all.rank());
  for (std::size_t i = 0; i < members.size(); ++i)
    EXPECT_EQ(members[i], static_cast<int>(i) * 2 + all.rank() % 2);
  part->close();
  EXPECT_EQ(all.all_reduce_value(1, ReduceOp::sum), all.size()) << "the group itself stays good";
}

TEST(Split, LeavesOutNegativeColors) {
  Communicator& all = test_world().all();
  const auto part = all.split(all.rank() == 0 ? 3 : -1);
  EXPECT_EQ(part != nullptr, all.rank() == 0);
  if (part) part->close();
}

TEST(Conveniences, ValuesTextsVectors) {
  Communicator& all = test_world().all();
  EXPECT_TRUE(all.all_agree(true));
  EXPECT_FALSE(all.all_agree(all.rank() != all.size() - 1));
  const auto texts = all.all_gather_text(letters(all.rank(), static_cast<std::size_t>(all.rank()) * 2));
  ASSERT_EQ(texts.size(), static_cast<std::size_t>(all.size()));
  for (int r = 0; r < all.size(); ++r)
    EXPECT_EQ(texts[static_cast<std::size_t>(r)], letters(r, static_cast<std::size_t>(r) * 2));
  EXPECT_EQ(all.broadcast_text(str("from ", all.rank()), all.size() - 1), str("from ", all.size() - 1));
  EXPECT_EQ(all.broadcast_text(""), "");

  const std::vector<std::int64_t> mine(static_cast<std::size_t>(all.rank()), all.rank());
  std::vector<std::int64_t> expected;
  for (int r = 0; r < all.size(); ++r) expected.insert(expected.end(), static_cast<std::size_t>(r), r);
  EXPECT_EQ(all.all_gather_vector<std::int64_t>(mine), expected);
}

// The cutting of large transfers, with a limit that small data passes.
class SmallLimit : public testing::Test {
 protected:
  SmallLimit() : comm_(mpi::duplicate(MPI_COMM_WORLD), 64) {}
  ~SmallLimit() override { comm_.close(); }
  MpiCommunicator comm_;
};

TEST_F(SmallLimit, AllReduce) {
  auto mine = values_of<double>(comm_.rank(), 1003);
  comm_.all_reduce(mine.data(), mine.size(), DType::f64, ReduceOp::sum);
  EXPECT_EQ(mine, reference<double>(comm_.size(), 1003, ReduceOp::sum));
}

TEST_F(SmallLimit, ReduceScatter) {
  expect_reduce_scatter<double>(comm_,
                                std::vector<std::int64_t>(static_cast<std::size_t>(comm_.size()), 101));
}

TEST_F(SmallLimit, Broadcast) {
  auto data = values_of<std::uint8_t>(comm_.rank(), 1003);
  comm_.broadcast(data.data(), data.size(), comm_.size() - 1);
  EXPECT_EQ(data, values_of<std::uint8_t>(comm_.size() - 1, 1003));
}

TEST_F(SmallLimit, AllGathers) {
  const std::string mine = letters(comm_.rank(), 101);
  const std::vector<std::int64_t> sizes(static_cast<std::size_t>(comm_.size()), 101);
  std::string gathered(all_letters(sizes).size(), ' ');
  comm_.all_gather(mine.data(), 101, gathered.data());
  EXPECT_EQ(gathered, all_letters(sizes));
}

TEST_F(SmallLimit, UnequalGathers) {
  std::vector<std::int64_t> sizes;
  for (int r = 0; r < comm_.size(); ++r) sizes.push_back(r % 2 == 0 ? 200 + r : 0);
  const auto mine =
      letters(comm_.rank(), static_cast<std::size_t>(sizes[static_cast<std::size_t>(comm_.rank())]));
  std::string everywhere(all_letters(sizes).size(), ' ');
  comm_.all_gather_unequal(mine.data(), sizes, everywhere.data());
  EXPECT_EQ(everywhere, all_letters(sizes));
  for (int root = 0; root < comm_.size(); ++root) {
    std::string at_root(everywhere.size(), ' ');
    comm_.gather_unequal(mine.data(), sizes, at_root.data(), root);
    if (comm_.rank() == root) {
      EXPECT_EQ(at_root, all_letters(sizes)) << "root " << root;
    }
  }
}

// An error of MPI arrives as an exception with its name, and does not end the job.
TEST(MpiErrors, NameTheFunctionAndTheClass) {
  try {
    mpi::check(MPI_Send(nullptr, 1, MPI_DATATYPE_NULL, 0, 0, MPI_COMM_WORLD), "MPI_Send");
    FAIL() << "MPI accepted a null datatype";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::internal);
    EXPECT_NE(e.message().find("MPI_Send failed: MPI_ERR_TYPE"), std::string::npos) << e.message();
    EXPECT_NE(e.message().find("error class"), std::string::npos) << e.message();
  }
}

}  // namespace
}  // namespace rankflow
