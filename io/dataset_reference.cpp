#include "io/dataset_reference.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr const char* latest = "latest";

/// The number of a version: digits that begin with none of "0"; nullopt for anything else, or more than int holds.
std::optional<int> version_number(std::string_view text) {
  int number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool sound =
      problem == std::errc() && end == text.data() + text.size() && text[0] != '0' && number > 0;
  return sound ? std::optional(number) : std::nullopt;
}

Error not_a_version(const std::string& text, std::string_view given) {
  return Error(ExitStatus::configuration,
               str("the dataset ", in_quotes(text), " has the version ", in_quotes(given),
                   ", which is none: versions are 1, 2, 3, …"),
               "NAME, NAME@latest or NAME:3");
}

}  // namespace

void check_dataset_name(const std::string& name) {
  if (is_plain_name(name)) return;
  throw Error(ExitStatus::configuration,
              str("no dataset can be called ", in_quotes(name),
                  ": a name has letters, digits, \"_\", \"-\" and \".\", at most 100, and begins with a "
                  "letter, digit or "
                  "\"_\""),
              "another name");
}

DatasetReference parse_dataset_reference(const std::string& text) {
  const auto mark = std::min(text.find_first_of(":@"), text.size());
  DatasetReference reference{text.substr(0, mark), 0};
  check_dataset_name(reference.dataset);
  if (mark == text.size()) return reference;
  const std::string_view version = std::string_view(text).substr(mark + 1);
  if (version == latest && text[mark] == '@') return reference;
  const auto number = version_number(version);
  if (!number || text[mark] == '@') throw not_a_version(text, version);
  reference.version = *number;
  return reference;
}

bool looks_like_dataset_reference(std::string_view text) {
  const auto mark = text.find_first_of(":@");
  if (mark == std::string_view::npos || !is_plain_name(text.substr(0, mark))) return false;
  const std::string_view version = text.substr(mark + 1);
  return text[mark] == '@' ? version == latest : version_number(version).has_value();
}

std::string written(const DatasetReference& reference) {
  return reference.version == 0 ? str(reference.dataset, "@", latest)
                                : str(reference.dataset, ":", reference.version);
}

}  // namespace rankflow
