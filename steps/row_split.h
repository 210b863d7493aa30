// Which split (train, validation, test, …) each source row belongs to: a pure function of the seed and the
// row's number, so that it depends neither on the number of ranks nor on which other rows are left out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rankflow {

/// Split → fraction of the rows; the fractions add up to 1.
using SplitFractions = std::map<std::string, double>;

/// A number in [0, 1) for a row: the upper 53 bits of SplitMix64 (Steele, Lea, Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014) as the row-th value of the stream that starts at the hashed
/// seed.
double split_position(std::uint64_t seed, std::int64_t row);

/// Another seed for each stream, for choices that shall have nothing to do with those by `seed` itself.
std::uint64_t stream_seed(std::uint64_t seed, std::uint64_t stream);

/// The rows of each split, in their order. The splits lie along [0, 1) in the order of their names; a row
/// belongs to the one in which its position falls.
std::map<std::string, std::vector<std::int64_t>> split_rows(const std::vector<std::int64_t>& rows,
                                                            const SplitFractions& fractions,
                                                            std::uint64_t seed);

}  // namespace rankflow
