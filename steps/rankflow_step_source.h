// The Python module that runs entry scripts, as the build puts it into the program: it needs no place of its own to be
// found at.
#pragma once

namespace rankflow {

extern const char* const rankflow_step_source;  // steps/rankflow_step.py

}  // namespace rankflow
