#include "io/fact_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace rankflow {
namespace {

// File: Header, slots (u64: a fact's offset and above it 24 bits of its key's hash, so that others are passed over without
// being looked at; 0: empty; open addressing with linear probing), facts: FactHead, key, value. Native byte order: the
// magic number reads differently on a machine with the other one.
struct Header {
  std::uint64_t magic = 0x3254434146464b52;  // "RKFFACT2"
  std::uint64_t size = 0;                    // of the whole file
  std::uint64_t slots = 0;                   // a power of two
};
struct FactHead {
  std::uint64_t check = 0;  // over all that follows
  std::uint32_t key_bytes = 0, value_bytes = 0;
  FileStamp stamp;
};
static_assert(sizeof(FactHead) == 16 + sizeof(FileStamp) && sizeof(FileStamp) == 40);

/// FNV-1a over words of eight bytes (Fowler, Noll and Vo; draft-eastlake-fnv), with a shift that brings high
/// bits down. Every step can be undone, so that a change of one word always changes the result.
std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325 ^ text.size();
  const auto take = [&h](std::uint64_t word) {
    h = (h ^ word) * 0x100000001b3;
    h ^= h >> 32;
  };
  std::uint64_t word = 0;
  for (; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
    std::memcpy(&word, text.data(), sizeof word);  // of a size known here: one instruction, not a call
    take(word);
  }
  word = 0;
  std::memcpy(&word, text.data(), text.size());
  take(word);
  return h;
}

template <typename T>
T read_at(std::string_view bytes, std::uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <typename T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_fact(std::string& bytes, const Fact& fact) {
  const std::size_t start = bytes.size();
  append(bytes, FactHead{0, static_cast<std::uint32_t>(fact.key.size()),
                         static_cast<std::uint32_t>(fact.value.size()), fact.stamp});
  bytes += fact.key;
  bytes += fact.value;
  const std::uint64_t check = hash(std::string_view(bytes).substr(start + sizeof check));
  std::memcpy(bytes.data() + start, &check, sizeof check);
}

constexpr int offset_bits = 40;
constexpr std::uint64_t offset_mask = (std::uint64_t{1} << offset_bits) - 1;

/// The slot's low bits of the hash are its place.
std::uint64_t tag_of(std::uint64_t key_hash) {
  return key_hash & ~offset_mask;
}

std::uint64_t slot_offset(std::uint64_t slot) {
  return sizeof(Header) + slot * sizeof(std::uint64_t);
}

}  // namespace

FactTable::FactTable(LazyBytes bytes) : bytes_(std::move(bytes)) {
  const auto begin = bytes_.at(0, sizeof(Header));
  if (begin.size() < sizeof(Header)) return;
  const auto header = read_at<Header>(begin, 0);
  const bool whole = header.magic == Header().magic && header.size == bytes_.size();
  const std::uint64_t room = (bytes_.size() - sizeof(Header)) / sizeof(std::uint64_t);
  if (whole && std::has_single_bit(header.slots) && header.slots <= room) slots_ = header.slots;
}

std::optional<Fact> FactTable::fact_at(std::uint64_t offset) const {
  if (offset < slot_offset(slots_)) return std::nullopt;
  const auto begin = bytes_.at(offset, sizeof(FactHead));
  if (begin.size() < sizeof(FactHead)) return std::nullopt;
  const auto head = read_at<FactHead>(begin, 0);
  const std::uint64_t text_bytes = std::uint64_t{head.key_bytes} + head.value_bytes;
  const auto text = bytes_.at(offset + sizeof head, text_bytes);
  if (text.size() < text_bytes) return std::nullopt;
  const std::string_view checked(begin.data() + sizeof head.check,
                                 sizeof head - sizeof head.check + text_bytes);
  if (hash(checked) != head.check) return std::nullopt;
  return Fact{head.stamp, text.substr(0, head.key_bytes), text.substr(head.key_bytes, head.value_bytes)};
}

std::optional<Fact> FactTable::find(std::string_view key) const {
  const std::uint64_t first = hash(key);
  for (std::uint64_t i = 0; i < slots_; ++i) {
    const auto slot = bytes_.at(slot_offset((first + i) & (slots_ - 1)), sizeof(std::uint64_t));
    if (slot.empty()) return std::nullopt;
    const auto entry = read_at<std::uint64_t>(slot, 0);
    if (entry == 0) return std::nullopt;
    if ((entry & ~offset_mask) != tag_of(first)) continue;
    if (auto fact = fact_at(entry & offset_mask); fact && fact->key == key) return fact;
  }
  return std::nullopt;
}

std::vector<Fact> FactTable::all() const {
  std::vector<Fact> facts;
  if (slots_ == 0) return facts;
  // One that is damaged does not say where the next begins.
  for (auto fact = fact_at(slot_offset(slots_)); fact;) {
    facts.push_back(*fact);
    fact = fact_at(bytes_.offset_of(fact->value) + fact->value.size());
  }
  return facts;
}

std::string FactTable::encode(const std::vector<Fact>& facts) {
  // At most half full, so that chains stay short.
  const std::uint64_t slots = std::bit_ceil(2 * facts.size() + 1);
  std::string bytes(slot_offset(slots), '\0');
  for (const Fact& fact : facts) {
    const std::uint64_t key_hash = hash(fact.key);
    std::uint64_t slot = key_hash & (slots - 1);
    while (read_at<std::uint64_t>(bytes, slot_offset(slot)) != 0) slot = (slot + 1) & (slots - 1);
    const std::uint64_t entry = tag_of(key_hash) | bytes.size();
    std::memcpy(bytes.data() + slot_offset(slot), &entry, sizeof entry);
    append_fact(bytes, fact);
  }
  const Header header{Header().magic, bytes.size(), slots};
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace rankflow
