#include "collectives/gradient_reducer.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "collectives/arguments.h"
#include "collectives/half.h"

namespace rankflow {
namespace {

constexpr int timeline_thread = 1;

std::vector<GradientBucket> buckets_of(std::span<const GradientPiece> pieces,
                                       const GradientReducerOptions& options) {
  const auto width = static_cast<std::int64_t>(size_of(options.dtype));
  return assign_buckets(pieces, ceil_div(options.first_bucket_bytes, width),
                        ceil_div(options.bucket_bytes, width));
}

void require_types(const GradientReducerOptions& options) {
  const bool half = options.wire == DType::f16 || options.wire == DType::bf16;
  const bool fits = options.dtype == DType::f32 ? half || options.wire == DType::f32
                                                : options.dtype == DType::f64 && options.wire == DType::f64;
  if (!fits)
    throw Error(ExitStatus::internal,
                str("gradients of ", name(options.dtype), " can't travel as ", name(options.wire)));
}

std::string milliseconds(double seconds) {
  return str(significant(seconds * 1000, 3), " ms");
}

}  // namespace

/// All that a collective in progress needs: the communication thread holds a share of it, and so keeps it where
/// the reducer is gone.
class GradientReducer::Reduction {
 public:
  Reduction(std::unique_ptr<Communicator> own, std::shared_ptr<void> memory,
            std::vector<GradientPiece> all_pieces, const GradientReducerOptions& options)
      : comm(std::move(own)),
        buckets(buckets_of(all_pieces, options)),
        gradients_(std::move(memory)),
        dtype_(options.dtype),
        wire_(options.wire),
        timeline_(options.timeline),
        bucket_of_(all_pieces.size()) {
    for (std::size_t b = 0; b < buckets.size(); ++b)
      std::fill_n(bucket_of_.begin() + static_cast<std::ptrdiff_t>(buckets[b].first_piece), buckets[b].pieces,
                  b);
    begin_pass();
  }

  void ready(std::size_t piece) {
    const std::lock_guard lock(mutex_);
    if (is_ready_.at(piece))
      throw Error(ExitStatus::internal, str("gradient ", piece, " became final twice in one pass"),
                  "no communication in the passes before the last");
    is_ready_[piece] = true;
    const std::size_t bucket = bucket_of_[piece];
    if (--missing_[bucket] == 0 && bucket == next_) changed_.notify_all();
  }

  /// Hands all that was not ready to the thread, and waits for it.
  void finish() {
    std::unique_lock lock(mutex_);
    std::fill(missing_.begin(), missing_.end(), 0);
    changed_.notify_all();
    changed_.wait(lock, [&] { return next_ == buckets.size() || error_; });
    if (error_) std::rethrow_exception(error_);
    begin_pass();
  }

  void reduce_all() {
    for (std::size_t b = 0; b < buckets.size(); ++b) reduce(b);
  }

  /// The thread's loop.
  void serve() {
    std::unique_lock lock(mutex_);
    const auto next_is_final = [&] { return next_ < buckets.size() && missing_[next_] == 0; };
    for (;;) {
      changed_.wait(lock, [&] { return quit_ || next_is_final(); });
      if (quit_) return;
      const std::size_t bucket = next_;
      in_collective_ = true;
      lock.unlock();
      std::exception_ptr error;
      try {
        reduce(bucket);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      in_collective_ = false;
      error_ = error;
      if (!error) ++next_;
      if (error || next_ == buckets.size()) changed_.notify_all();
      if (error) return;
    }
  }

  /// Whether the thread comes to its end by itself.
  bool quit() {
    const std::lock_guard lock(mutex_);
    quit_ = true;
    abandoned_ = in_collective_;
    changed_.notify_all();
    return !abandoned_;
  }

  std::string description() const {
    std::int64_t largest = 0;
    for (const auto& b : buckets) largest = std::max(largest, b.elements.size());
    const auto bytes = static_cast<double>(static_cast<std::size_t>(largest) * size_of(wire_));
    return str(buckets.size(), buckets.size() == 1 ? " bucket of " : " buckets of up to ", human_bytes(bytes),
               " in ", name(wire_));
  }

  double reduced_seconds() const {
    const std::lock_guard lock(mutex_);
    return reduced_seconds_;
  }

  const std::unique_ptr<Communicator> comm;
  const std::vector<GradientBucket> buckets;

 private:
  void begin_pass() {
    next_ = 0;
    is_ready_.assign(bucket_of_.size(), false);
    missing_.clear();
    for (const auto& bucket : buckets) missing_.push_back(bucket.pieces);
  }

  void reduce(std::size_t index) {
    const double began = monotonic_seconds();
    const std::int64_t began_us = unix_nanoseconds() / 1000;
    const GradientBucket& bucket = buckets[index];
    const auto count = static_cast<std::size_t>(bucket.elements.size());
    void* data = at(gradients_.get(), static_cast<std::size_t>(bucket.elements.begin) * size_of(dtype_));
    if (wire_ == dtype_ || bucket.full_precision) {
      comm->all_reduce(data, count, dtype_, ReduceOp::sum);
    } else {
      travelling_.resize(count * size_of(wire_));
      narrow(static_cast<const float*>(data), count, wire_, travelling_.data());
      comm->all_reduce(travelling_.data(), count, wire_, ReduceOp::sum);
      widen(travelling_.data(), count, wire_, static_cast<float*>(data));
    }
    const std::lock_guard lock(mutex_);
    reduced_seconds_ += monotonic_seconds() - began;
    // Where the reducer is gone, the timeline may be too.
    if (timeline_ && !abandoned_)
      timeline_->add({str("bucket ", index), "communication", began_us, unix_nanoseconds() / 1000 - began_us,
                      timeline_thread});
  }

  const std::shared_ptr<void> gradients_;
  const DType dtype_, wire_;
  Timeline* const timeline_;
  std::vector<std::size_t> bucket_of_;  // by piece
  std::vector<std::byte> travelling_;   // a bucket as it is on the wire

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> is_ready_;        // by piece
  std::vector<std::size_t> missing_;  // by bucket: pieces that are not ready
  std::size_t next_ = 0;              // the bucket to reduce next
  bool in_collective_ = false, quit_ = false, abandoned_ = false;
  std::exception_ptr error_;
  double reduced_seconds_ = 0;
};

GradientReducer::GradientReducer(Communicator& group, std::shared_ptr<void> gradients,
                                 std::vector<GradientPiece> pieces, const GradientReducerOptions& options) {
  require_types(options);
  reduction_ = std::make_shared<Reduction>(group.split(0), std::move(gradients), std::move(pieces), options);
  const int fewest_cores = group.all_reduce_value<std::int32_t>(options.cores, ReduceOp::min);
  if (group.size() == 1) {
    decide(Mode::alone, "one rank has nobody to reduce with");
  } else if (options.overlap == Overlap::never) {
    decide(Mode::inline_, options.why);
  } else if (options.overlap == Overlap::always) {
    decide(Mode::threaded, options.why);
  } else if (fewest_cores < 2) {
    decide(Mode::inline_, "no core is spare for a thread");
  } else {
    decide(Mode::trial, "");
  }
}

GradientReducer::~GradientReducer() {
  end_thread();
}

void GradientReducer::decide(Mode mode, std::string why) {
  mode_ = mode;
  why_ = std::move(why);
  const bool threaded = mode == Mode::threaded || mode == Mode::trial;
  if (threaded && !thread_.joinable())
    thread_ = std::thread([reduction = reduction_] { reduction->serve(); });
  if (!threaded) end_thread();
}

void GradientReducer::end_thread() {
  if (!thread_.joinable()) return;
  if (reduction_->quit())
    thread_.join();
  else
    thread_.detach();
}

bool GradientReducer::wants_ready() const {
  return communicates_ && (mode_ == Mode::threaded || (mode_ == Mode::trial && trial_.threaded()));
}

void GradientReducer::ready(std::size_t piece) {
  if (wants_ready()) reduction_->ready(piece);
}

void GradientReducer::finish() {
  if (!communicates_ || mode_ == Mode::alone) return;
  const double began = monotonic_seconds();
  if (wants_ready())
    reduction_->finish();
  else
    reduction_->reduce_all();
  const double now = monotonic_seconds();
  waited_ += now - began;
  ++passes_;
  const double since = now - std::exchange(last_finish_, now);
  if (mode_ == Mode::trial && trial_.add(since)) end_trial();
}

void GradientReducer::end_trial() {
  auto medians = trial_.medians();
  // A pass ends for all ranks together, so the slowest rank's time is the time.
  reduction_->comm->all_reduce(std::span<double>(medians), ReduceOp::max);
  decide(OverlapTrial::pays(medians) ? Mode::threaded : Mode::inline_,
         str("measured: ", milliseconds(medians[1]), " a batch with a thread, ", milliseconds(medians[0]),
             " inline"));
}

void GradientReducer::close() {
  end_thread();
  reduction_->comm->close();
}

GradientReducer::Times GradientReducer::times() const {
  return {waited_, reduction_->reduced_seconds(), passes_};
}

std::size_t GradientReducer::buckets() const {
  return reduction_->buckets.size();
}

std::string GradientReducer::description() const {
  if (mode_ == Mode::alone) return str("none: ", why_);
  const std::string what = reduction_->description();
  switch (mode_) {
    case Mode::inline_:
      return str(what, ", after backward: ", why_);
    case Mode::threaded:
      return str(what, ", by a thread beside backward: ", why_);
    default:
      return str(what, ", measuring whether a thread pays");
  }
}

}  // namespace rankflow
