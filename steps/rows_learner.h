// Scaling and vocabularies of features, learnt from the training rows of all ranks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "steps/table_rows.h"

namespace rankflow {

/// Whether the keys of a prepare step want nothing of the features and the target that only rows tell: unscaled numeric features
/// that are listed, no mean for missing values, no classes but those of the key `classes`.
bool wants_nothing_learnt(const Json& keys);
/// The keys `scaling` and `min_count` of a prepare step, or what they are where they aren't given.
std::string scaling_of(const Json& keys);
std::int64_t min_count_of(const Json& keys);

class RowsLearner {
 public:
  RowsLearner(FeatureNames features, std::uint8_t training)
      : features_(std::move(features)), training_(training) {
    counts_.resize(features_.categorical.size());
    types_.resize(features_.categorical.size(), -1);
  }

  /// This rank's rows, part by part in their order; `unit`: of the part's piece.
  void look(const TableRows& rows, std::int64_t unit);
  /// Collective.
  void finish(Communicator& comm);
  /// Throws Error (bad_data) for a feature without values.
  FeatureEncoding conclude(const std::string& scaling, std::int64_t min_count) const;

 private:
  FeatureNames features_;
  std::uint8_t training_;
  std::int64_t unit_ = -1;
  std::vector<Moments> by_unit_;  // one for each numeric feature, unit by unit
  std::vector<Moments> moments_;
  std::vector<std::map<std::string, std::int64_t>> counts_;  // of each categorical feature
  std::vector<int> types_;                                   // -1: not seen
};

}  // namespace rankflow
