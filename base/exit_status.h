// The exit codes of every rankflow program. Scripts branch on them, so their numbers never change.
#pragma once

namespace rankflow {

enum class ExitStatus : int {
  ok = 0,
  step_failed = 1,     // a step failed; its message says why
  usage = 2,           // the command line is wrong
  bad_data = 65,       // an input's content is wrong
  internal = 70,       // a bug in rankflow, or a rank died
  io = 74,             // disk full, EIO, a missing or unreadable file
  stopped = 75,        // stopped by a signal or a lost rank; the same command resumes
  permission = 77,     // not allowed by the file system
  configuration = 78,  // a pipeline file or setting is wrong; nothing ran
  interrupted = 130,   // SIGINT
};

constexpr int code(ExitStatus s) {
  return static_cast<int>(s);
}

}  // namespace rankflow
