// A profile (steps/profile.cpp) for people: a table with small histograms for the terminal, and a page of its own with plots.
#pragma once

#include <cstddef>
#include <string>

#include "io/json.h"

namespace rankflow {

/// `width` of the terminal, 0: not one. Shows at most `most` columns.
std::string profile_text(const Json& profile, const std::string& title, std::size_t width, bool color,
                         std::size_t most = 100);

/// Counts as bars of a character's height, the highest full: "▁▃█▂".
std::string bars(const Json& counts);

/// A number without an exponent as long as that is short: the digits of 1010001 say more than 1.01e+06.
std::string number_text(double value);

/// "12.5 %"; less than all is never "100 %". Empty where there is no whole.
std::string share_text(double part, double whole);

/// An HTML page that needs nothing but itself: no script, no other file; plots are SVG within it.
std::string profile_html(const Json& profile, const std::string& title, const std::string& subtitle);

}  // namespace rankflow
