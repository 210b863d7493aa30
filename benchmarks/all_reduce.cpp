// mpirun -n N all_reduce_benchmark [ROUNDS]: what sums of f32 take through a bare MPI_Allreduce, through our
// interface, and through the gradient reducer, by turns in every round on the same memory. One JSON object with
// the median seconds on standard output: {"ranks", "sizes": {BYTES: {VARIANT: seconds}}, "buckets": {BYTES:
// seconds}}. benchmarks/all_reduce.py compares them, with Gloo beside.
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "collectives/call_record.h"
#include "collectives/gradient_reducer.h"
#include "collectives/mpi_world.h"

namespace rankflow {
namespace {

using Overlap = GradientReducerOptions::Overlap;

constexpr std::int64_t kMebi = std::int64_t{1} << 20;
constexpr std::int64_t kSizes[] = {4,         4 << 10,    256 << 10,  kMebi,
                                   2'700'000, 27'000'000, 32 * kMebi, 128 * kMebi};
constexpr std::int64_t kBuckets[] = {kMebi / 4, kMebi, 4 * kMebi, 10 * kMebi, 25 * kMebi, 100 * kMebi};
constexpr std::int64_t kBucketsOf = 100 * kMebi;
constexpr std::int64_t kPiece = kMebi / 4;  // a parameter's gradient

using Variants = std::vector<std::pair<std::string, std::function<void()>>>;

std::string key(std::int64_t bytes) {
  return str("\"", bytes, "\": ");
}

/// Median seconds of a call of each, all of them once in every round, as rank 0 sees it.
std::map<std::string, double> measure(Communicator& all, const Variants& variants, int rounds, int calls) {
  std::map<std::string, std::vector<double>> seconds;
  for (int round = -1; round < rounds; ++round) {
    for (const auto& [name, call] : variants) {
      all.barrier();
      const double began = monotonic_seconds();
      for (int i = 0; i < calls; ++i) call();
      const double took = (monotonic_seconds() - began) / calls;
      if (round >= 0) seconds[name].push_back(took);  // the first one warms up
    }
  }
  std::map<std::string, double> medians;
  for (auto& [name, values] : seconds) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                     values.end());
    medians[name] = values[values.size() / 2];
  }
  return medians;
}

class Gradients {
 public:
  explicit Gradients(std::int64_t bytes) : values_(std::make_shared<std::vector<float>>(bytes / 4)) {}
  float* data() const { return values_->data(); }
  std::size_t count() const { return values_->size(); }
  std::unique_ptr<GradientReducer> reducer(Communicator& all, Overlap overlap, std::int64_t bucket_bytes,
                                           DType wire = DType::f32) const {
    std::vector<GradientPiece> pieces;
    for (auto end = static_cast<std::int64_t>(count()); end > 0; end -= kPiece / 4)
      pieces.push_back({{std::max<std::int64_t>(end - kPiece / 4, 0), end}});
    GradientReducerOptions options{.wire = wire, .overlap = overlap};
    if (bucket_bytes > 0) options.first_bucket_bytes = options.bucket_bytes = bucket_bytes;
    return std::make_unique<GradientReducer>(all, std::shared_ptr<void>(values_, data()), pieces, options);
  }

 private:
  std::shared_ptr<std::vector<float>> values_;
};

std::string measure_size(Communicator& all, std::int64_t bytes, int rounds) {
  const Gradients gradients(bytes);
  const auto inline_one = gradients.reducer(all, Overlap::never, 0);
  const auto thread = gradients.reducer(all, Overlap::always, 0);
  const auto halves = gradients.reducer(all, Overlap::never, 0, DType::bf16);
  const Variants variants = {
      {"mpi",
       [&] {
         MPI_Allreduce(MPI_IN_PLACE, gradients.data(), static_cast<int>(gradients.count()), MPI_FLOAT,
                       MPI_SUM, MPI_COMM_WORLD);
       }},
      {"interface", [&] { all.all_reduce(gradients.data(), gradients.count(), DType::f32, ReduceOp::sum); }},
      {"reducer", [&] { inline_one->finish(); }},
      {"reducer_thread", [&] { thread->finish(); }},
      {"reducer_bf16", [&] { halves->finish(); }},
  };
  const int calls = static_cast<int>(std::clamp<std::int64_t>(8 * kMebi / bytes, 1, 500));
  std::vector<std::string> parts;
  for (const auto& [name, seconds] : measure(all, variants, rounds, calls))
    parts.push_back(str("\"", name, "\": ", seconds));
  for (const auto& reducer : {inline_one.get(), thread.get(), halves.get()}) reducer->close();
  return key(bytes) + "{" + join(parts, ", ") + "}";
}

std::string measure_buckets(Communicator& all, int rounds) {
  const Gradients gradients(kBucketsOf);
  std::vector<std::unique_ptr<GradientReducer>> reducers;
  Variants variants;
  for (std::int64_t bytes : kBuckets) {
    GradientReducer& reducer = *reducers.emplace_back(gradients.reducer(all, Overlap::never, bytes));
    variants.emplace_back(str(bytes), [&reducer] { reducer.finish(); });
  }
  const auto medians = measure(all, variants, rounds, 1);
  std::vector<std::string> parts;
  for (std::int64_t bytes : kBuckets) parts.push_back(key(bytes) + str(medians.at(str(bytes))));
  for (auto& reducer : reducers) reducer->close();
  return join(parts, ", ");
}

/// What a step gets: a group of its own, with the record that the watchdog reads.
void run(World& world, int rounds) {
  CallRecord record;
  std::vector<int> ranks(static_cast<std::size_t>(world.size()));
  std::iota(ranks.begin(), ranks.end(), 0);
  const auto group = make_recorded(world.make_group(ranks, 0), record, "benchmark");
  std::vector<std::string> sizes;
  for (std::int64_t bytes : kSizes) sizes.push_back(measure_size(*group, bytes, rounds));
  const std::string buckets = measure_buckets(*group, rounds);
  group->close();
  if (world.rank() == 0)
    std::cout << str("{\"ranks\": ", world.size(), ", \"sizes\": {", join(sizes, ", "), "}, \"buckets\": {",
                     buckets, "}}\n");
}

}  // namespace
}  // namespace rankflow

int main(int argc, char** argv) {
  try {
    const auto world = rankflow::make_mpi_world();
    rankflow::run(*world, argc > 1 ? std::atoi(argv[1]) : 15);
    world->finalize();
    return EXIT_SUCCESS;
  } catch (const std::exception& e) {
    std::cerr << rankflow::describe(rankflow::as_error(e)) << "\n";
    return EXIT_FAILURE;
  }
}
