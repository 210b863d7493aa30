// A child process of a rank that answers requests over a local socket, as long as the rank wants it.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "steps/child_message.h"
#include "steps/child_program.h"

namespace rankflow {

class ChildChannel {
 public:
  /// Starts `request` with the path of a socket as one more argument, and waits until it has connected. `name`: how messages call
  /// it. `stop`: asked while this rank waits, here and later; Stopped is thrown where it says so. Throws Error (step_failed) where
  /// the program ended; StepFailure where it did so by itself, without a signal, before its first answer.
  ChildChannel(Spawner& spawner, SpawnRequest request, std::string name, std::function<bool()> stop);
  /// Ends the program: at once where it is at work, otherwise by closing the socket, with two seconds to go.
  ~ChildChannel();
  ChildChannel(const ChildChannel&) = delete;
  ChildChannel& operator=(const ChildChannel&) = delete;

  /// Sends one message and waits for one, for `seconds` in all (0: as long as it takes). Throws Error (step_failed) saying
  /// how the program ended, or that its time was over; it can't be asked again then. Throws SpawnerGone.
  ChildMessage ask(const Json& head, std::string_view payload, double seconds);

 private:
  void end();
  void connect();
  void wait_for(int fd, short events);
  void send(std::string_view bytes);
  void receive(void* data, std::size_t bytes);
  [[noreturn]] void fail();

  std::string log_, name_;
  std::function<bool()> stop_;
  std::optional<double> until_, seconds_;  // monotonic; what was allowed
  int listening_ = -1, socket_ = -1;
  bool usable_ = false, answered_ = false;
  std::string folder_;
  std::atomic<double> grace_{-1};  // seconds until SIGKILL, once the program has to end
  SpawnResult result_;             // once it has ended
  std::exception_ptr thrown_;      // by the spawner, in place of it
  MemoryWatch memory_;
  std::promise<void> tell_ended_;
  std::future<void> ended_ = tell_ended_.get_future();
  std::thread runner_;
};

}  // namespace rankflow
