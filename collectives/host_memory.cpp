#include "collectives/host_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <random>

#include "base/text.h"
#include "collectives/host_name.h"

namespace rankflow {
namespace {

/// Where the others find the first rank's memory.
struct Place {
  pid_t process = -1;
  int fd = -1;
  std::uint64_t token = 0;
};

std::string failed(const char* what) {
  return str(what, ": ", std::strerror(errno));
}

std::uint64_t random_token() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

/// Closes what it is given.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// The first reason that any rank has, on all ranks; "" where none has one.
std::string first_reason(Communicator& group, const std::string& mine) {
  for (const std::string& reason : group.all_gather_text(mine)) {
    if (!reason.empty()) return reason;
  }
  return "";
}

}  // namespace

std::shared_ptr<HostMemory> HostMemory::map(int fd, std::size_t bytes, std::string& why) {
  void* address = mmap(nullptr, header + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) {
    why = failed("cannot map shared memory");
    return nullptr;
  }
  // Where the kernel gives huge pages to shared memory on request; elsewhere it stays with small ones.
  madvise(address, header + bytes, MADV_HUGEPAGE);
  return std::shared_ptr<HostMemory>(new HostMemory(static_cast<std::byte*>(address), bytes));
}

// An anonymous file of the first rank, which the others open through its /proc/PID/fd: unlike a name in /dev/shm nothing is
// left behind by ranks that are killed, and containers' limits on /dev/shm don't matter.
std::shared_ptr<HostMemory> HostMemory::make(Communicator& group, std::size_t bytes, std::string& why) {
  for (const std::string& host : group.all_gather_text(host_name())) {
    if (host != host_name()) why = "ranks are on several hosts";
  }
  why = first_reason(group, why);
  if (!why.empty()) return nullptr;

  Place place;
  std::shared_ptr<HostMemory> memory;
  const bool first = group.rank() == 0;
  const Descriptor own(first ? memfd_create("rankflow", MFD_CLOEXEC) : -1);
  if (first) {
    if (own.get() < 0 || ftruncate(own.get(), static_cast<off_t>(header + bytes)) != 0)
      why = failed("cannot make shared memory");
    else
      memory = map(own.get(), bytes, why);
    if (memory) {
      place = {getpid(), own.get(), random_token()};
      std::memcpy(memory->mapping_, &place.token, sizeof place.token);
    }
  }
  group.broadcast(&place, sizeof place, 0);
  if (!first && place.fd >= 0) {
    const Descriptor theirs(
        open(str("/proc/", place.process, "/fd/", place.fd).c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (theirs.get() < 0 || fstat(theirs.get(), &status) != 0)
      why = failed("cannot open another rank's memory");
    else if (!S_ISREG(status.st_mode) || status.st_size != static_cast<off_t>(header + bytes))
      why = "processes of ranks don't see each other";
    else
      memory = map(theirs.get(), bytes, why);
    if (memory && std::memcmp(memory->mapping_, &place.token, sizeof place.token) != 0)
      why = "processes of ranks don't see each other";
  }
  why = first_reason(group, why);  // the first rank's file stays open until all have come here
  return why.empty() ? memory : nullptr;
}

HostMemory::~HostMemory() {
  munmap(mapping_, header + bytes_);
}

}  // namespace rankflow
