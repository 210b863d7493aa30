// SHA-256, the digest behind fingerprints and artifacts (OpenSSL's implementation, which uses the CPU's SHA
// instructions).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace rankflow {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(const void* data, std::size_t bytes);
  void update(std::string_view text) { update(text.data(), text.size()); }
  /// 64 lower-case hexadecimal digits; the object is spent afterwards.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(std::string_view text);

/// True for 64 lower-case hexadecimal digits: what may be looked up in a store.
bool is_digest(std::string_view text);

}  // namespace rankflow
