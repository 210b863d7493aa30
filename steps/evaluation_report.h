// An evaluation as a page to look at: one HTML file with its plots as inline SVG, without scripts and without anything
// from elsewhere, so that it opens anywhere and looks the same in ten years.
#pragma once

#include <string>

#include "steps/evaluation.h"

namespace rankflow {

std::string evaluation_report(const Evaluation& evaluation);

}  // namespace rankflow
