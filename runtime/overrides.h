// Puts --set options into a pipeline's tree, before it is validated, so that their values are checked like
// the file's.
#pragma once

#include <deque>
#include <string>

#include "runtime/parameters.h"
#include "runtime/pipeline.h"

namespace rankflow {

/// The options as they are shown in errors; nodes point at them, so they must outlive the tree. (A deque: its
/// elements stay where they are.)
using OptionLabels = std::deque<std::string>;

/// `NAME=value` changes a parameter, `NAME.KEY=value` a parameter that is a map, `STEP.KEY…=value` a step. A
/// step goes before a parameter of the same name; `parameters.NAME` and `steps.STEP.KEY` say which is meant.
/// In a list, a key is an index from 0. Throws ConfigError for names that are neither (did you mean …?), and
/// values that are no YAML.
void apply_settings(const Overrides& overrides, Parameters& parameters, Node& steps, OptionLabels& labels);

}  // namespace rankflow
