// Which collective call a rank is in, for whoever asks from another thread: a watchdog that has to say who
// waits for whom.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "collectives/call.h"
#include "collectives/communicator.h"

namespace rankflow {

/// Where one rank stands in the calls of one group.
struct CallStatus {
  std::string group;
  Call call;            // the last one that it entered; its number counts from 1, 0 stands for none yet
  bool inside = false;  // has not come back from it
  double seconds = 0;   // since it entered, or came back
  int ranks = 0;        // of the group
};

/// Thread-safe.
class CallRecord {
 public:
  /// One group's line in the record; gone with its last owner.
  class Line {
   public:
    Line(std::string group, int ranks);
    void enter(Call call);
    void leave();
    CallStatus status() const;

   private:
    mutable std::mutex mutex_;
    CallStatus status_;
    double since_;  // monotonic seconds
  };

  std::shared_ptr<Line> open(const std::string& group, int ranks);
  /// Of every group that has a communicator, in the order in which they were opened.
  std::vector<CallStatus> now() const;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::weak_ptr<Line>> lines_;
};

/// Wraps a communicator so that `record` knows its calls, under the name `group`, which is the same on all of
/// its ranks; those that are split off get names from it. Costs well under a microsecond a call. `record` must
/// outlive the calls of split().
std::unique_ptr<Communicator> make_recorded(std::unique_ptr<Communicator> inner, CallRecord& record,
                                            const std::string& group);

/// Where the calls of a communicator go that make_recorded() made; `record` is null for any other.
struct Recording {
  CallRecord* record = nullptr;
  std::string group;
};
Recording recording_of(const Communicator& communicator);

/// Stands in the line as long as it lives.
class InsideCall {
 public:
  /// `line`: null where nobody keeps a record.
  InsideCall(CallRecord::Line* line, const Call& call) : line_(line) {
    if (line_) line_->enter(call);
  }
  ~InsideCall() {
    if (line_) line_->leave();
  }
  InsideCall(const InsideCall&) = delete;
  InsideCall& operator=(const InsideCall&) = delete;

 private:
  CallRecord::Line* line_;
};

}  // namespace rankflow
