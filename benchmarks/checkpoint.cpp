// Writes a checkpoint-like file of one tensor as training does, SECONDS per file on standard output:
//   checkpoint_benchmark PATH MEGABYTES ROUNDS
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "base/clock.h"
#include "io/tensor_file.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s PATH MEGABYTES ROUNDS\n", argv[0]);
    return 2;
  }
  try {
    const std::int64_t elements = std::atoll(argv[2]) * 1'000'000 / 4;
    std::vector<float> values(static_cast<std::size_t>(elements));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 65'537) * 1.7f;
    for (int round = 0; round < std::atoi(argv[3]); ++round) {
      const double start = rankflow::monotonic_seconds();
      rankflow::write_tensor_file(argv[1], {{"weights", rankflow::DType::f32, {elements}, values.data()}},
                                  {});
      std::printf("%.6f\n", rankflow::monotonic_seconds() - start);
      std::fflush(stdout);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
