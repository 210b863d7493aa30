// Which split each image belongs to: at random, or at random within each label.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/json.h"

namespace rankflow {

/// Split → its rows, ascending, by the keys `split`, `split_by` and `seed` of a prepare step; without `split` there is one, `data`.
/// `rows`: those that are kept. `labels`: the class of every row of the input; empty where there are none. Stratified, the rows of
/// each label are shuffled by the seed and divided as exactly as whole rows can be. Throws Error (configuration) for a way of
/// splitting that is for tables, or that needs labels where there are none.
std::map<std::string, std::vector<std::int64_t>> split_images(const Json& parameters,
                                                              const std::vector<std::int64_t>& rows,
                                                              std::span<const std::int64_t> labels);

}  // namespace rankflow
