// The live part of a terminal's display: a line per running step and one for the whole run. Pure, so that
// tests see exactly what a person sees.
#pragma once

#include <string>
#include <vector>

#include "launchers/run_view.h"

namespace rankflow {

/// Lines without newlines, none wider than `width` - 1 columns (terminals wrap at the last one).
std::vector<std::string> live_frame(const RunView& run, double now, std::size_t width, bool color);

/// "62 %", "12 s left", "epoch 2/3", "45,000 samples/s", "loss 0.31": what is known of a running step, what a
/// person wants to know most first.
std::vector<std::string> progress_parts(const StepView& step);

}  // namespace rankflow
