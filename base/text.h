// Small text helpers used by every folder: joining values into a string, splitting, nearest name, human
// units.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rankflow {

/// Concatenates anything that has an `operator<<`; the project's only way to build messages.
/// (No fmt here: LibTorch ships one version and Debian another, and a translation unit must not see both.)
template <typename... Parts>
std::string str(const Parts&... parts) {
  if constexpr ((std::is_convertible_v<Parts, std::string_view> && ...)) {
    std::string out;
    (out.append(std::string_view(parts)), ...);
    return out;
  } else {
    std::ostringstream out;
    out.precision(10);
    (out << ... << parts);
    return std::move(out).str();
  }
}

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string trim(std::string_view text);

/// The candidate nearest to `word` by edit distance (Levenshtein with transpositions), or "" when none is
/// near enough to be meant (more than a third of the letters differ).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// " (did you mean \"x\"?)" for the nearest candidate, "" where none is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// The text in double quotes, safe to show: control characters as escapes, at most about 80 characters.
std::string in_quotes(std::string_view text);

/// "1.5 MB": decimal units, as storage vendors and `ls -h --si` give them.
std::string human_bytes(double bytes);
/// "0.42 s", "3 min 05 s", "2 h 10 min".
std::string human_seconds(double seconds);
/// "12,345": thousands separated, for people.
std::string human_count(std::int64_t n);
/// A number with `digits` significant digits, without an exponent where that is short.
std::string significant(double value, int digits = 4);

/// True for names that may become a path component and a YAML key: letters, digits, `_`, `-`, `.`; at most
/// 100 characters; starts with a letter, digit or `_`.
bool is_plain_name(std::string_view name);
bool is_utf8(std::string_view text);

}  // namespace rankflow
