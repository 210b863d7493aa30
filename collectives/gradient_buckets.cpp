#include "collectives/gradient_buckets.h"

#include <algorithm>

namespace rankflow {
namespace {

bool adjoin(const Range& a, const Range& b) {
  return a.end == b.begin || b.end == a.begin;
}

}  // namespace

std::vector<GradientBucket> assign_buckets(std::span<const GradientPiece> pieces, std::int64_t first_size,
                                           std::int64_t size) {
  std::vector<GradientBucket> buckets;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const GradientPiece& piece = pieces[i];
    const std::int64_t enough = buckets.size() <= 1 ? first_size : size;
    const bool fits = !buckets.empty() && buckets.back().elements.size() < enough &&
                      buckets.back().full_precision == piece.full_precision &&
                      adjoin(buckets.back().elements, piece.elements);
    if (!fits) {
      buckets.push_back({piece.elements, i, 1, piece.full_precision});
      continue;
    }
    GradientBucket& bucket = buckets.back();
    bucket.elements = {std::min(bucket.elements.begin, piece.elements.begin),
                       std::max(bucket.elements.end, piece.elements.end)};
    ++bucket.pieces;
  }
  return buckets;
}

}  // namespace rankflow
