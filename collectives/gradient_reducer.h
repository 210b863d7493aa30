// Sums gradients over the ranks while backward still computes others. Gradients lie in one buffer; they travel
// in buckets, always in the same order, whatever order they become final in (as PyTorch's
// torch/csrc/distributed/c10d/reducer.cpp does).
//
// A bucket is reduced by a communication thread as soon as it and those before it are final, or, where a thread
// has no core to run on or does not pay, all of them inline in finish(). Both give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/timeline.h"
#include "collectives/communicator.h"
#include "collectives/gradient_buckets.h"
#include "collectives/overlap_trial.h"

namespace rankflow {

struct GradientReducerOptions {
  enum class Overlap {
    measured,  // inline where a rank has one core, otherwise what takes less time over the first passes
    never,
    always
  };

  DType dtype = DType::f32;  // of the buffer: f32 or f64
  DType wire = DType::f32;   // `dtype`; or f16, bf16 (from an f32 buffer, but for pieces of full precision)
  // docs/collectives.md has the measurements.
  std::int64_t first_bucket_bytes = std::int64_t{1} << 20;
  std::int64_t bucket_bytes = std::int64_t{25} << 20;
  Overlap overlap = Overlap::measured;
  std::string why = "as asked";  // never or always; for people
  int cores = 1;                 // that this rank may use
  Timeline* timeline = nullptr;  // gets a span for each bucket; must outlive the reducer
};

class GradientReducer {
 public:
  /// `gradients`: the buffer, kept alive as long as a collective may write to it. `pieces`: its parts in the
  /// order in which backward makes them final, the same on all ranks; the model's first layers come last.
  /// Collective over `group`, of which the reducer makes a communicator of its own: `group` may be used at any
  /// time. Throws Error (internal) where a dtype does not fit.
  GradientReducer(Communicator& group, std::shared_ptr<void> gradients, std::vector<GradientPiece> pieces,
                  const GradientReducerOptions& options);
  /// Not collective. A collective that the thread is in is left behind with all that it needs: a rank that
  /// fails must be able to say so while the others wait for it.
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// The piece's gradient is final in this pass. From any thread, in any order, or not at all: a parameter that
  /// got no gradient is reduced as it stands in the buffer, which is zero where the caller zeroed it. Throws
  /// Error (internal) for a piece that was ready before in this pass.
  void ready(std::size_t piece);
  /// Whether ready() can start anything in this pass, so that callers can save themselves the calls.
  bool wants_ready() const;
  /// Returns when every piece holds its sum over the ranks, the same bits on each, and begins the next pass.
  /// Collective. Throws what a collective threw on the communication thread; the reducer is of no further use
  /// then.
  void finish();
  /// False: the passes from now on only add up locally; ready() and finish() do nothing. For gradient
  /// accumulation; change it between passes, on all ranks.
  void set_communication(bool on) { communicates_ = on; }

  /// Ends the communicator and the thread; collective, between passes.
  void close();

  struct Times {
    double waited = 0;   // seconds that callers of finish() waited
    double reduced = 0;  // seconds in collectives, on whichever thread
    std::int64_t passes = 0;
  };
  Times times() const;
  /// False while it is being measured whether a thread pays.
  bool decided() const { return mode_ != Mode::trial; }
  /// How gradients travel and why, for people: "4 buckets of up to 26.2 MB in f32, after backward: no
  /// core is spare for a thread".
  std::string description() const;
  std::size_t buckets() const;

 private:
  class Reduction;
  using Overlap = GradientReducerOptions::Overlap;
  enum class Mode { alone, inline_, threaded, trial };

  void decide(Mode mode, std::string why);
  void end_thread();
  void end_trial();

  std::shared_ptr<Reduction> reduction_;
  std::thread thread_;
  Mode mode_ = Mode::alone;
  std::string why_;
  OverlapTrial trial_;
  bool communicates_ = true;
  double waited_ = 0, last_finish_ = 0;
  std::int64_t passes_ = 0;
};

}  // namespace rankflow
