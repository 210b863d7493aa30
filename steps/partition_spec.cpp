#include "steps/partition_spec.h"

#include <set>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

Fields partition_fields() {
  return {
      or_single(at_least(
          list(
              "partition_by", text("column", "a category of the dataset"),
              "trains a model of its own for every combination of values of these columns, each by one rank, "
              "the largest first; docs/many_models.md"),
          1)),
      judging(at_least(
          integer("error_threshold",
                  "with partition_by: how many models may fail, for rows of one class alone or a loss "
                  "that is not finite; "
                  "-1: all. 0 when not given"),
          -1))};
}

void check_partition_keys(const Json& parameters) {
  if (!parameters.contains("partition_by")) {
    if (parameters.contains("error_threshold"))
      throw Error(ExitStatus::configuration, "error_threshold has no meaning without partition_by",
                  "leave out error_threshold");
    return;
  }
  const auto columns = parameters.at("partition_by").get<std::vector<std::string>>();
  if (std::set<std::string>(columns.begin(), columns.end()).size() < columns.size())
    throw Error(ExitStatus::configuration, str("partition_by names a column twice: ", join(columns, ", ")));
  const auto refuse = [](const char* key, const char* why) {
    throw Error(ExitStatus::configuration, str("partition_by does not go with ", key, ": ", why),
                str("leave out ", key));
  };
  const char* const one_rank = "each model is trained by one rank";
  if (parameters.contains("local_steps")) refuse("local_steps", one_rank);
  if (parameters.at("shard_optimizer") == true) refuse("shard_optimizer", one_rank);
  if (parameters.at("gradient_compression") != "none") refuse("gradient_compression", one_rank);
  if (parameters.at("overlap") != "auto") refuse("overlap", one_rank);
}

}  // namespace rankflow
