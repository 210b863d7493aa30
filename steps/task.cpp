#include "steps/task.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"

namespace rankflow {
namespace {

/// Moments of one part; merged in the order of parts, so that the result does not depend on who computed
/// which.
struct Moments {
  double rows = 0, mean = 0, squares = 0;

  /// Chan, Golub and LeVeque 1979.
  void merge(const Moments& other) {
    if (other.rows == 0) return;
    const double total = rows + other.rows, delta = other.mean - mean;
    mean += delta * other.rows / total;
    squares += other.squares + delta * delta * rows * other.rows / total;
    rows = total;
  }
};

void check_classes(const Dataset& data, Range rows, std::int64_t classes) {
  std::vector<std::int64_t> targets(static_cast<std::size_t>(rows.size()));
  data.copy("target", rows, targets.data());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] < 0 || targets[i] >= classes) {
      throw Error(ExitStatus::bad_data,
                  str("target ", targets[i], " in row ", rows.begin + static_cast<std::int64_t>(i),
                      " of the dataset, which has ", classes, " classes"));
    }
  }
}

Moments moments_of(const Dataset& data, Range rows) {
  std::vector<float> targets(static_cast<std::size_t>(rows.size()));
  data.copy("target", rows, targets.data());
  Moments moments;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!std::isfinite(targets[i])) {
      throw Error(ExitStatus::bad_data,
                  str("target ", targets[i], " in row ", rows.begin + static_cast<std::int64_t>(i),
                      " of the dataset is not finite"),
                  "drop rows without a target when preparing");
    }
    moments.rows += 1;
    const double delta = targets[i] - moments.mean;  // Welford 1962
    moments.mean += delta / moments.rows;
    moments.squares += delta * (targets[i] - moments.mean);
  }
  return moments;
}

}  // namespace

const char* name(Task task) {
  return task == Task::classification ? "classification" : "regression";
}

Task task_of(const Json& schema) {
  const auto found = schema.find("task");
  if (found != schema.end() && *found == "classification") return Task::classification;
  if (found != schema.end() && *found == "regression") return Task::regression;
  throw Error(ExitStatus::bad_data,
              str("the dataset's schema names no task (classification or regression): ",
                  found == schema.end() ? "there is none" : found->dump()),
              "prepare it with a target");
}

TargetScale check_targets(const Dataset& data, Communicator& comm) {
  std::vector<Moments> mine;
  run_together(comm, [&] {
    const Task task = task_of(data.info().schema);
    const ColumnInfo& column = data.info().at("target");
    const DType expected = task == Task::classification ? DType::i64 : DType::f32;
    if (column.dtype != expected || column.elements() != 1) {
      throw Error(ExitStatus::bad_data, str("the target of a ", name(task), " dataset is ",
                                            name(column.dtype), ", not one ", name(expected), " per row"));
    }
    const Range parts = partition(data.info().parts(), comm.size(), comm.rank());
    for (std::int64_t part = parts.begin; part < parts.end; ++part) {
      const Range rows = data.info().part_rows(part);
      if (task == Task::classification) {
        check_classes(data, rows, static_cast<std::int64_t>(data.info().schema.at("classes").size()));
      } else {
        mine.push_back(moments_of(data, rows));
      }
    }
  });
  Moments all;
  for (const auto& part : comm.all_gather_vector<Moments>(mine)) all.merge(part);
  if (all.rows == 0) return {};
  const double deviation = std::sqrt(all.squares / all.rows);
  return {all.mean, deviation > 0 ? deviation : 1};
}

}  // namespace rankflow
