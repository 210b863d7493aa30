#include "steps/column_sketch.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace rankflow {
namespace {

constexpr std::size_t kMostHashes = 4096;
constexpr std::size_t kMostBins = kMostHashes;  // where all distinct values are known, each has a bin
constexpr int kMantissa = 52, kFewestBits = 10;
constexpr std::int64_t kWide = std::int64_t{1} << 53;  // from here on doubles leave out integers
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

/// Keys of bins in the order of their numbers; without its last bit a key is that of the bin with one bit less.
std::int64_t bin_of(double value, int bits) {
  const auto magnitude = std::bit_cast<std::uint64_t>(std::abs(value)) >> (kMantissa - bits);
  const auto key = static_cast<std::int64_t>(magnitude);
  return std::signbit(value) ? -key - 1 : key;
}

/// Rising from least to greatest, at most `bins` apart: fewer where there are not as many numbers between.
std::vector<double> edges_between(double least, double greatest, int bins) {
  std::vector<double> edges = {least};
  // Halved a range can't overflow; times 2^700 a tiny one has room for fractions.
  const int scale = std::isinf(greatest - least)                               ? -1
                    : std::max(std::abs(least), std::abs(greatest)) < 0x1p-700 ? 700
                                                                               : 0;
  const double first = std::ldexp(least, scale);
  const double width = (std::ldexp(greatest, scale) - first) / bins;
  for (int i = 1; i < bins; ++i) {
    const double edge = std::ldexp(first + width * i, -scale);
    if (edge > edges.back() && edge < greatest) edges.push_back(edge);
  }
  edges.push_back(greatest);
  return edges;
}

/// How many of the bin's values are taken to be below `edge`: within a bin they are taken to lie evenly.
std::int64_t count_below(const ColumnBin& bin, double edge) {
  if (edge <= bin.least) return 0;
  if (edge > bin.greatest) return bin.count;
  const double place = (edge - bin.least) / (bin.greatest - bin.least) * static_cast<double>(bin.count - 1);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(place)), 1, bin.count - 1);
}

/// How many of `count` values lie between each two edges; one that equals an edge lies above it, but for the last.
std::vector<std::int64_t> counts_between(const std::vector<double>& edges,
                                         const std::vector<ColumnBin>& sorted, std::int64_t count) {
  std::vector<std::int64_t> counts;
  std::int64_t whole = 0, below = 0;  // of the bins passed; of the last edge
  std::size_t at = 0;
  for (std::size_t i = 1; i + 1 < edges.size(); ++i) {
    while (at < sorted.size() && sorted[at].greatest < edges[i]) whole += sorted[at++].count;
    const std::int64_t now = whole + (at < sorted.size() ? count_below(sorted[at], edges[i]) : 0);
    counts.push_back(now - std::exchange(below, now));
  }
  counts.push_back(count - below);
  return counts;
}

Json quantiles_of(const std::vector<ColumnBin>& sorted, std::int64_t count) {
  Json quantiles;
  std::size_t at = 0;
  std::int64_t before = 0;
  for (const auto& [name, q] : kQuantiles) {
    // The value that has q of all others before it.
    const double rank = q * static_cast<double>(count - 1);
    while (static_cast<double>(before + sorted[at].count) <= rank && at + 1 < sorted.size())
      before += sorted[at++].count;
    const ColumnBin& bin = sorted[at];
    const double share =
        bin.count > 1
            ? std::clamp((rank - static_cast<double>(before)) / static_cast<double>(bin.count - 1), 0.0, 1.0)
            : 0;
    quantiles[name] = bin.least + share * (bin.greatest - bin.least);
  }
  return quantiles;
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

void ColumnSketch::count_number(double value) {
  ++numbers_;
  zeros_ += value == 0;
  negative_ += value < 0;
}

void ColumnSketch::add(double value) {
  if (std::isnan(value)) return add_missing();
  if (value == 0) value = 0;  // -0 is the same number
  count_number(value);
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
  note_hash(mixed(std::bit_cast<std::uint64_t>(value)));
  last_ = value;
  last_bin_ = &add_to_bin(value);  // elements of an unordered_map stay where they are
  keep_few_bins();
}

void ColumnSketch::add(std::int64_t value) {
  if (value > -kWide && value < kWide) return add(static_cast<double>(value));
  const auto number = static_cast<double>(value);
  const std::string digits = std::to_string(value);
  wide_ = true;
  least_integer_ = std::min(least_integer_, value);
  greatest_integer_ = std::max(greatest_integer_, value);
  count_number(number);
  block_.add(number);
  add_text(hash_of(digits), digits, 1);
  add_to_bin(number);
  keep_few_bins();
}

ColumnBin& ColumnSketch::add_to_bin(double value) {
  return add_to_bin(bin_of(value, bits_), {1, value, value});
}

void ColumnSketch::coarsen() {
  const auto finer = std::exchange(bins_, {});
  --bits_;
  last_bin_ = nullptr;
  for (const auto& [key, bin] : finer) add_to_bin(key >> 1, bin);
}

void ColumnSketch::keep_few_bins() {
  while (bins_.size() > kMostBins && bits_ > kFewestBits) coarsen();
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

ColumnBin& ColumnSketch::add_to_bin(std::int64_t key, const ColumnBin& other) {
  ColumnBin& bin = bins_[key];
  bin.least = bin.count ? std::min(bin.least, other.least) : other.least;
  bin.greatest = bin.count ? std::max(bin.greatest, other.greatest) : other.greatest;
  bin.count += other.count;
  return bin;
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
  wide_ = wide_ || later.wide_;
  least_integer_ = std::min(least_integer_, later.least_integer_);
  greatest_integer_ = std::max(greatest_integer_, later.greatest_integer_);
  while (bits_ > later.bits_) coarsen();
  for (const auto& [key, bin] : later.bins_) add_to_bin(key >> (later.bits_ - bits_), bin);
  keep_few_bins();
  hashes_cut_ = hashes_cut_ || later.hashes_cut_;
  for (const auto& [hash, text] : later.hashes_) add_text(hash, text.text, text.count);
}

Json ColumnSketch::state() const {
  Json bins = Json::array(), hashes = Json::array(), blocks = Json::array();
  for (const auto& [key, bin] : bins_) bins.push_back({key, bin.count, bin.least, bin.greatest});
  for (const auto& [hash, text] : hashes_) hashes.push_back({hash, text.text, text.count});
  for (const ColumnMoments& m : blocks_) blocks.push_back(m.state());
  return {{"counts", {missing_, numbers_, zeros_, negative_, infinite_, texts_}},
          {"lengths", {shortest_, longest_}},
          {"blocks", blocks},
          {"integers", {wide_, least_integer_, greatest_integer_}},
          {"bits", bits_},
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
  for (const Json& m : state.at("blocks")) out.blocks_.push_back(ColumnMoments::from_state(m));
  const Json& integers = state.at("integers");
  out.wide_ = integers[0];
  out.least_integer_ = integers[1];
  out.greatest_integer_ = integers[2];
  out.bits_ = state.at("bits");
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
  ColumnMoments all;
  for (const ColumnMoments& m : blocks_) all.merge(m);
  if (all.count() == 0) return;
  out["min"] = all.minimum();
  out["max"] = all.maximum();
  // Doubles that are as great stand for integers that are not.
  if (wide_ && all.minimum() <= -static_cast<double>(kWide)) out["min"] = least_integer_;
  if (wide_ && all.maximum() >= static_cast<double>(kWide)) out["max"] = greatest_integer_;
  out["mean"] = all.mean();
  out["std"] = all.standard_deviation();
  const std::vector<ColumnBin> sorted = sorted_bins();
  out["quantiles"] = quantiles_of(sorted, all.count());
  const std::vector<double> edges = edges_between(all.minimum(), all.maximum(), bins);
  out["histogram"] = {{"edges", edges}, {"counts", counts_between(edges, sorted, all.count())}};
  if (bits_ == kMantissa && !hashes_cut_ && infinite_ == 0) out["top"] = top_numbers(sorted, top);
}

std::vector<ColumnBin> ColumnSketch::sorted_bins() const {
  std::vector<ColumnBin> sorted;
  for (const auto& [key, bin] : bins_) sorted.push_back(bin);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.least < b.least; });
  return sorted;
}

Json ColumnSketch::top_numbers(const std::vector<ColumnBin>& sorted, int top) const {
  std::vector<std::tuple<std::int64_t, double, std::int64_t>>
      values;  // -count, number, and it as a wide integer
  for (const ColumnBin& bin : sorted) {
    if (!wide_ || std::abs(bin.least) < static_cast<double>(kWide))
      values.emplace_back(-bin.count, bin.least, 0);
  }
  for (const auto& [hash, text] : hashes_) {
    if (text.text.empty()) continue;
    const std::int64_t integer = std::stoll(text.text);
    values.emplace_back(-text.count, static_cast<double>(integer), integer);
  }
  std::sort(values.begin(), values.end());
  Json out = Json::array();
  for (const auto& [count, number, integer] : values) {
    if (static_cast<int>(out.size()) == top) break;
    out.push_back({{"value", integer == 0 ? Json(number) : Json(integer)}, {"count", -count}});
  }
  return out;
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
