// Work of a step in a process beside the rank, for what can't be interrupted otherwise: a forward pass, or a library, that takes
// too long, or that crashes. The process is the rank's program again, without MPI.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/step.h"
#include "steps/child_channel.h"

namespace rankflow {

/// The process's side: what one kind of work answers.
class ChildService {
 public:
  virtual ~ChildService() = default;
  /// What the rank learns when the process has started.
  virtual Json about() const = 0;
  virtual ChildMessage answer(const ChildMessage& question) = 0;
};

/// The kinds, by `kind` of what a process is started with.
std::unique_ptr<ChildService> make_model_service(const Json& start);    // model_service.cpp
std::unique_ptr<ChildService> make_library_service(const Json& start);  // library_program.cpp

/// The first argument of such a process; the second is a socket's path.
inline constexpr const char* serve_word = "serve-a-rank";
/// Answers until the rank closes the socket.
int serve_rank(const std::string& socket);

/// The rank's side.
class ServiceProcess {
 public:
  /// `name`: how messages call it. The context must outlive it.
  ServiceProcess(StepContext& context, std::string name, Json start);

  /// Starts the process where none runs. Throws what made the service impossible; Error (step_failed) where the process ended;
  /// Stopped.
  const Json& about();
  /// The answer, within `seconds`. Throws the Error that the service threw (StepFailure where it could not start); where the process ended, or had to be ended, Error
  /// (step_failed): the next question starts another.
  ChildMessage ask(const Json& head, std::string_view payload, double seconds);

 private:
  ChildMessage checked(const Json& head, std::string_view payload, double seconds);

  StepContext& context_;
  const std::string name_;
  const Json start_;
  std::unique_ptr<ChildChannel> process_;
  Json about_;
};

}  // namespace rankflow
