// Memory that the ranks of a group on one host share: what one writes, the others can read where it lies. When, they have to
// agree on by collectives, each of which is a fence for what its ranks wrote before.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "collectives/communicator.h"

namespace rankflow {

class HostMemory {
 public:
  /// `bytes` of zeros, without a name and gone with the last rank that holds them. nullptr on all ranks where they are not on
  /// one host or the system does not let them; `why` says which, for people. Collective.
  static std::shared_ptr<HostMemory> make(Communicator& group, std::size_t bytes, std::string& why);
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  /// Starts at a page.
  std::byte* data() const { return mapping_ + header; }
  std::size_t size() const { return bytes_; }

 private:
  static constexpr std::size_t header = 4096;  // holds what shows a rank that it found the right memory

  HostMemory(std::byte* mapping, std::size_t bytes) : mapping_(mapping), bytes_(bytes) {}
  static std::shared_ptr<HostMemory> map(int fd, std::size_t bytes, std::string& why);

  std::byte* mapping_;
  std::size_t bytes_;
};

}  // namespace rankflow
