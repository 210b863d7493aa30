// What happens during a run, told to whoever shows or records it. Events are JSON objects so that they can
// cross from rank 0 to the supervisor on a line of their own; their kinds and keys:
//
//   run_started    run, pipeline, ranks, hosts, steps: [{name, decision, reasons}], store
//   step_started   step, ranks: [world ranks], attempt
//   step_progress  step, done, total, unit ("samples", "rows", …), rate (units/s), text ("epoch 2/3"),
//                  metrics: {loss: 0.3}
//   step_finished  step, status (done, reused, failed, skipped, stopped), seconds, rows?, metrics, message?,
//                  digest per output
//   note           text, level (info, warning)
//   run_finished   run, status (done, failed, stopped), exit, seconds, message?
//   rank_failed    rank, host, step?, message, hint?: by a rank that is about to end the job, on its own
//                  standard output
//   heartbeat      once a second from rank 0: the job is alive. silent?: [world ranks that owe an answer],
//                  step?, collective?: what they were in when last heard of
//
// step_finished also has ranks? (their number), run? (that made a reused step) and, where it failed, hint?.
#pragma once

#include "io/json.h"

namespace rankflow {

class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// Called from one thread at a time.
  virtual void on_event(const Json& event) = 0;
};

}  // namespace rankflow
