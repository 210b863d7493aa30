// Points in time that are written as texts, as in 2024-05-31, 2024-05-31 23:59, 2024-05-31T23:59:00.25Z and 2024-05-31 23:59:00+02:00:
// what Parquet's and Arrow's timestamps become in a table, and what other programs write into CSV.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankflow {

/// A text without its fraction of a second and its zone; the digits of that fraction; and the zone's seconds east of Greenwich (none: 0).
struct PlainTime {
  std::string_view text, fraction = {};
  std::int64_t offset = 0;
};
PlainTime plain_time(std::string_view text);

/// Of texts (a column or a scalar) the time that each shows, whatever its zone: timestamp[s]; fractions are cut off. Fails where
/// one is no date and no time.
arrow::Result<arrow::Datum> shown_times(const arrow::Datum& texts);
/// The seconds since 1970-01-01 in Greenwich, int64; a time without a zone is taken for one of there.
arrow::Result<arrow::Datum> seconds_since_1970(const arrow::Datum& texts);

/// For each text one whose bytes sort as the times do, and are equal where these are: 2024-05-31 21:59:00.25 for
/// 2024-05-31T23:59:00.250+02:00. Times without a zone are taken for those of Greenwich; what is no date and no time stays as it is.
std::vector<std::string> comparable_times(const std::vector<std::string>& texts);

}  // namespace rankflow
