#include "steps/column_sketch.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace rankflow {
namespace {

constexpr std::size_t kMostHashes = 4096;
constexpr int kMantissaBits = 10;
constexpr std::array<std::pair<const char*, double>, 9> kQuantiles = {{{"0.01", 0.01},
                                                                       {"0.05", 0.05},
                                                                       {"0.1", 0.1},
                                                                       {"0.25", 0.25},
                                                                       {"0.5", 0.5},
                                                                       {"0.75", 0.75},
                                                                       {"0.9", 0.9},
                                                                       {"0.95", 0.95},
                                                                       {"0.99", 0.99}}};

/// SplitMix64's last step (Steele, Lea, Flood, OOPSLA 2014).
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3u;
  return mixed(hash);
}

/// Keys of bins in the order of their numbers.
std::int64_t bin_of(double value) {
  const auto magnitude = std::bit_cast<std::uint64_t>(std::abs(value)) >> (52 - kMantissaBits);
  const auto key = static_cast<std::int64_t>(magnitude);
  return std::signbit(value) ? -key - 1 : key;
}

Json moments_json(const Moments& m) {
  return {m.count, m.mean, m.m2, m.minimum, m.maximum};
}

Moments moments_from(const Json& j) {
  return {j[0], j[1], j[2], j[3], j[4]};
}

}  // namespace

void ColumnSketch::note_hash(std::uint64_t hash) {
  add_text(hash, {}, 1);
}

// Only the smallest hashes stay. One that is among them at the end was so all along on every rank, so that its count is whole.
void ColumnSketch::add_text(std::uint64_t hash, std::string_view text, std::int64_t times) {
  if (hashes_.size() == kMostHashes && hash > hashes_.rbegin()->first) {
    hashes_cut_ = true;
    return;
  }
  auto [place, added] = hashes_.try_emplace(hash);
  if (added) place->second.text = text;
  place->second.count += times;
  if (hashes_.size() > kMostHashes) {
    hashes_.erase(std::prev(hashes_.end()));
    hashes_cut_ = true;
  }
}

void ColumnSketch::add(double value) {
  if (std::isnan(value)) return add_missing();
  ++numbers_;
  if (value == 0) {
    value = 0;  // -0 is the same number
    ++zeros_;
  }
  negative_ += value < 0;
  if (std::isinf(value)) {
    ++infinite_;
    note_hash(mixed(std::bit_cast<std::uint64_t>(value)));
    return;
  }
  block_.add(value);
  if (last_bin_ && value == last_) {  // columns of zeros are common
    ++last_bin_->count;
    return;
  }
  Bin& bin = bins_[bin_of(value)];
  bin.least = bin.count ? std::min(bin.least, value) : value;
  bin.greatest = bin.count ? std::max(bin.greatest, value) : value;
  ++bin.count;
  last_ = value;
  last_bin_ = &bin;  // elements of an unordered_map stay where they are
  note_hash(mixed(std::bit_cast<std::uint64_t>(value)));
}

void ColumnSketch::add(std::string_view text, std::int64_t times) {
  texts_ += times;
  shortest_ = std::min(shortest_, text.size());
  longest_ = std::max(longest_, text.size());
  add_text(hash_of(text), text, times);
}

void ColumnSketch::end_block() {
  blocks_.push_back(std::exchange(block_, {}));
}

void ColumnSketch::add_to_bin(std::int64_t key, const Bin& other) {
  Bin& bin = bins_[key];
  bin.least = bin.count ? std::min(bin.least, other.least) : other.least;
  bin.greatest = bin.count ? std::max(bin.greatest, other.greatest) : other.greatest;
  bin.count += other.count;
}

void ColumnSketch::merge(const ColumnSketch& later) {
  missing_ += later.missing_;
  numbers_ += later.numbers_;
  zeros_ += later.zeros_;
  negative_ += later.negative_;
  infinite_ += later.infinite_;
  texts_ += later.texts_;
  shortest_ = std::min(shortest_, later.shortest_);
  longest_ = std::max(longest_, later.longest_);
  blocks_.insert(blocks_.end(), later.blocks_.begin(), later.blocks_.end());
  for (const auto& [key, bin] : later.bins_) add_to_bin(key, bin);
  hashes_cut_ = hashes_cut_ || later.hashes_cut_;
  for (const auto& [hash, text] : later.hashes_) add_text(hash, text.text, text.count);
}

Json ColumnSketch::state() const {
  Json bins = Json::array(), hashes = Json::array(), blocks = Json::array();
  for (const auto& [key, bin] : bins_) bins.push_back({key, bin.count, bin.least, bin.greatest});
  for (const auto& [hash, text] : hashes_) hashes.push_back({hash, text.text, text.count});
  for (const Moments& m : blocks_) blocks.push_back(moments_json(m));
  return {{"counts", {missing_, numbers_, zeros_, negative_, infinite_, texts_}},
          {"lengths", {shortest_, longest_}},
          {"blocks", blocks},
          {"bins", bins},
          {"hashes", hashes},
          {"cut", hashes_cut_}};
}

ColumnSketch ColumnSketch::from_state(const Json& state) {
  ColumnSketch out;
  const Json& counts = state.at("counts");
  out.missing_ = counts[0];
  out.numbers_ = counts[1];
  out.zeros_ = counts[2];
  out.negative_ = counts[3];
  out.infinite_ = counts[4];
  out.texts_ = counts[5];
  out.shortest_ = state.at("lengths")[0];
  out.longest_ = state.at("lengths")[1];
  for (const Json& m : state.at("blocks")) out.blocks_.push_back(moments_from(m));
  for (const Json& b : state.at("bins")) out.bins_[b[0]] = {b[1], b[2], b[3]};
  for (const Json& h : state.at("hashes")) out.hashes_[h[0]] = {h[1], h[2]};
  out.hashes_cut_ = state.at("cut");
  return out;
}

Json ColumnSketch::summary(int bins, int top) const {
  Json out = {{"count", missing_ + numbers_ + texts_}, {"missing", missing_}};
  out["distinct_exact"] = !hashes_cut_;
  // The k smallest of n hashes reach k / n of their range.
  const double range = std::ldexp(1.0, 64);
  out["distinct"] = hashes_cut_ ? std::llround(static_cast<double>(hashes_.size() - 1) /
                                               (static_cast<double>(hashes_.rbegin()->first) / range))
                                : static_cast<std::int64_t>(hashes_.size());
  if (numbers_ > 0) numbers_summary(out, bins, top);
  if (texts_ > 0) texts_summary(out, top);
  return out;
}

void ColumnSketch::numbers_summary(Json& out, int bins, int top) const {
  out["zeros"] = zeros_;
  out["negative"] = negative_;
  out["infinite"] = infinite_;
  Moments all;
  for (const Moments& m : blocks_) all = rankflow::merge(all, m);
  if (all.count == 0) return;
  out["min"] = all.minimum;
  out["max"] = all.maximum;
  out["mean"] = all.mean;
  out["std"] = all.standard_deviation();
  std::vector<std::pair<std::int64_t, Bin>> sorted(bins_.begin(), bins_.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Json& quantiles = out["quantiles"];
  std::size_t at = 0;
  std::int64_t before = 0;
  for (const auto& [name, q] : kQuantiles) {
    // The value that has q of all others before it; within a bin, values are taken to lie evenly.
    const double rank = q * static_cast<double>(all.count - 1);
    while (static_cast<double>(before + sorted[at].second.count) <= rank && at + 1 < sorted.size())
      before += sorted[at++].second.count;
    const Bin& bin = sorted[at].second;
    const double share =
        bin.count > 1
            ? std::clamp((rank - static_cast<double>(before)) / static_cast<double>(bin.count - 1), 0.0, 1.0)
            : 0;
    quantiles[name] = bin.least + share * (bin.greatest - bin.least);
  }
  const double width = (all.maximum - all.minimum) / bins;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(width > 0 ? bins : 1), 0);
  std::vector<double> edges = {all.minimum};
  for (std::size_t i = 1; i < counts.size(); ++i)
    edges.push_back(all.minimum + width * static_cast<double>(i));
  edges.push_back(all.maximum);
  bool exact = true;
  for (const auto& [key, bin] : sorted) {
    const double middle = bin.least + (bin.greatest - bin.least) / 2;
    const double place = width > 0 ? (middle - all.minimum) / width : 0;
    counts[std::min(counts.size() - 1, static_cast<std::size_t>(std::max(place, 0.0)))] += bin.count;
    exact = exact && bin.least == bin.greatest;
  }
  out["histogram"] = {{"edges", edges}, {"counts", counts}};
  if (!exact || hashes_cut_ || infinite_ > 0) return;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  Json& values = out["top"] = Json::array();
  for (const auto& [key, bin] : sorted) {
    if (static_cast<int>(values.size()) == top) break;
    values.push_back({{"value", bin.least}, {"count", bin.count}});
  }
}

void ColumnSketch::texts_summary(Json& out, int top) const {
  out["shortest"] = shortest_;
  out["longest"] = longest_;
  if (hashes_cut_) return;  // the most frequent may not be among those that are known
  std::vector<const Text*> texts;
  for (const auto& [hash, text] : hashes_) texts.push_back(&text);
  std::sort(texts.begin(), texts.end(), [](const Text* a, const Text* b) {
    return a->count != b->count ? a->count > b->count : a->text < b->text;
  });
  Json& values = out["top"] = Json::array();
  for (const Text* text : texts) {
    if (static_cast<int>(values.size()) == top) break;
    values.push_back({{"value", text->text}, {"count", text->count}});
  }
}

}  // namespace rankflow
