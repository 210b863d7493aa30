// Numbers 0, 1, 2, … of which each goes to one rank of a group only: who takes the next piece of the work.
//
// On one host the number lies in memory that the ranks share, so that no rank ever waits for another, be it stopped. Between
// hosts a thread of the first rank hands the numbers out, which asks for a few microseconds of that rank now and then.
#pragma once

#include <cstdint>
#include <memory>

#include "collectives/communicator.h"

namespace rankflow {

class TicketCounter {
 public:
  /// What take() gives at least, once a rank has called end().
  static constexpr std::int64_t ended = std::int64_t{1} << 62;

  virtual ~TicketCounter() = default;
  /// The next number that no rank has had. From one thread of a rank at a time.
  virtual std::int64_t take() = 0;
  /// No rank gets another number: for one that failed, or was asked to stop.
  virtual void end() = 0;
  /// Collective, after the last take() of every rank.
  virtual void close() = 0;
};

/// Collective. `served`: hands numbers out by messages on one host too (for tests).
std::unique_ptr<TicketCounter> make_ticket_counter(Communicator& group, bool served = false);

}  // namespace rankflow
