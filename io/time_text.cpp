#include "io/time_text.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <optional>
#include <span>

#include "base/text.h"
#include "io/arrow_result.h"

namespace rankflow {
namespace {

using arrow::Datum;
using arrow::Result;

constexpr std::size_t date_length = 10, time_length = 19;  // 2024-05-31, 2024-05-31 23:59:00

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// Seconds of a zone such as Z, +02:00, -0330, +02; nullopt where it is none.
std::optional<std::int64_t> zone_offset(std::string_view zone) {
  if (zone == "Z" || zone == "z") return 0;
  std::string digits;
  for (std::size_t i = 1; i < zone.size(); ++i) {
    if (zone[i] == ':' && i == 3) continue;
    if (!is_digit(zone[i])) return std::nullopt;
    digits += zone[i];
  }
  if (digits.size() != 2 && digits.size() != 4) return std::nullopt;
  const int number = std::stoi(digits),
            minutes = digits.size() == 2 ? number * 60 : number / 100 * 60 + number % 100;
  if (minutes >= 24 * 60 || (digits.size() == 4 && number % 100 >= 60)) return std::nullopt;
  return (zone.front() == '-' ? -60 : 60) * static_cast<std::int64_t>(minutes);
}

struct Times {
  std::shared_ptr<arrow::Array> texts, offsets;
};

Result<Times> plain_times(const arrow::StringArray& texts) {
  arrow::StringBuilder plain;
  arrow::Int64Builder offsets;
  for (std::int64_t i = 0; i < texts.length(); ++i) {
    const PlainTime time = texts.IsNull(i) ? PlainTime{} : plain_time(texts.GetView(i));
    ARROW_RETURN_NOT_OK(texts.IsNull(i) ? plain.AppendNull() : plain.Append(time.text));
    ARROW_RETURN_NOT_OK(offsets.Append(time.offset));
  }
  Times times;
  ARROW_ASSIGN_OR_RAISE(times.texts, plain.Finish());
  ARROW_ASSIGN_OR_RAISE(times.offsets, offsets.Finish());
  return times;
}

const std::shared_ptr<arrow::DataType>& seconds() {
  static const auto type = arrow::timestamp(arrow::TimeUnit::SECOND);
  return type;
}

Result<Datum> times_in(const std::shared_ptr<arrow::Array>& texts, bool in_greenwich) {
  ARROW_ASSIGN_OR_RAISE(const Times times, plain_times(static_cast<const arrow::StringArray&>(*texts)));
  const auto shown = arrow::compute::Cast(Datum(times.texts), seconds());
  if (!shown.ok() && texts->length() == 1)  // in the words of the table
    return arrow::Status::Invalid(in_quotes(static_cast<const arrow::StringArray&>(*texts).GetString(0)),
                                  " is no date or time such as 2024-05-31 or 2024-05-31 23:59:00");
  if (!shown.ok() || !in_greenwich) return shown;
  ARROW_ASSIGN_OR_RAISE(const Datum numbers, arrow::compute::Cast(*shown, arrow::int64()));
  return arrow::compute::Subtract(numbers, Datum(times.offsets));
}

/// 2024-05-31 21:59:00 for the seconds since 1970-01-01 of that.
std::string written(std::int64_t time) {
  using namespace std::chrono;
  const auto day = floor<days>(sys_seconds(std::chrono::seconds(time)));
  const year_month_day date(day);
  const hh_mm_ss clock(sys_seconds(std::chrono::seconds(time)) - day);
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

/// Null where the texts are not all times.
std::shared_ptr<arrow::Int64Array> seconds_of(std::span<const std::string> texts) {
  const std::string doing = "cannot read times";
  arrow::StringBuilder builder;
  for (const std::string& text : texts) check_arrow(builder.Append(text), doing);
  const auto times = times_in(value_of(builder.Finish(), doing), true);
  if (times.status().IsInvalid()) return nullptr;
  return std::static_pointer_cast<arrow::Int64Array>(value_of(times, doing).make_array());
}

std::string with_fraction(std::string time, std::string_view fraction) {
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  return fraction.empty() ? time : std::move(time) + "." + std::string(fraction);
}

/// Chunk by chunk; a scalar as the only value of a column.
Result<Datum> times_of(const Datum& texts, bool in_greenwich) {
  if (texts.is_scalar()) {
    ARROW_ASSIGN_OR_RAISE(const auto one, arrow::MakeArrayFromScalar(*texts.scalar(), 1));
    ARROW_ASSIGN_OR_RAISE(const Datum times, times_in(one, in_greenwich));
    ARROW_ASSIGN_OR_RAISE(const auto scalar, times.make_array()->GetScalar(0));
    return Datum(scalar);
  }
  arrow::ArrayVector chunks;
  for (const auto& chunk : texts.chunks()) {
    ARROW_ASSIGN_OR_RAISE(const Datum times, times_in(chunk, in_greenwich));
    chunks.push_back(times.make_array());
  }
  return Datum(std::make_shared<arrow::ChunkedArray>(chunks, in_greenwich ? arrow::int64() : seconds()));
}

}  // namespace

PlainTime plain_time(std::string_view text) {
  PlainTime time{text};
  if (text.size() <= date_length) return time;
  const std::size_t zone = text.find_first_of("Zz+-", date_length);
  if (zone != std::string_view::npos) {
    const auto offset = zone_offset(text.substr(zone));
    if (!offset) return time;
    time = {text.substr(0, zone), {}, *offset};
  }
  const std::string_view shown = time.text;
  const bool fraction = shown.size() > time_length + 1 &&
                        (shown[time_length] == '.' || shown[time_length] == ',') &&
                        std::all_of(shown.begin() + time_length + 1, shown.end(), is_digit);
  if (fraction) time.text = shown.substr(0, time_length), time.fraction = shown.substr(time_length + 1);
  return time;
}

Result<Datum> shown_times(const Datum& texts) {
  // Most have neither fractions nor zones.
  if (auto times = arrow::compute::Cast(texts, seconds()); times.ok()) return times;
  return times_of(texts, false);
}

Result<Datum> seconds_since_1970(const Datum& texts) {
  if (auto times = arrow::compute::Cast(texts, seconds()); times.ok())
    return arrow::compute::Cast(*times, arrow::int64());
  return times_of(texts, true);
}

std::vector<std::string> comparable_times(const std::vector<std::string>& texts) {
  check_arrow(arrow::compute::Initialize(), "cannot start Arrow's functions");
  std::vector<std::string> comparable = texts;
  const auto all = seconds_of(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto own = all ? nullptr : seconds_of(std::span(texts).subspan(i, 1));
    if (all || own)
      comparable[i] = with_fraction(written(all ? all->Value(static_cast<std::int64_t>(i)) : own->Value(0)),
                                    plain_time(texts[i]).fraction);
  }
  return comparable;
}

}  // namespace rankflow
