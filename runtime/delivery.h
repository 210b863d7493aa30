// Copies of published outputs in datastores: what `publish_to` of a step asks for. A target is a folder that is written aside,
// checked against the artifact's checksums and renamed into place; a file in it says which artifact it holds, so that it is only
// written again where it is missing or holds another.
#pragma once

#include <future>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/store_layout.h"

namespace rankflow {

struct Delivery {
  std::size_t step = 0;
  std::string output;
  std::string reference;  // "scratch:results/x"
  std::string path;       // the folder that it means
  std::string digest;     // of the artifact
};

/// Brings the target to what the artifact holds. Returns whether anything was copied. Throws Error: configuration where something
/// stands there that no delivery made, bad_data where the artifact is damaged, io, permission.
bool deliver(const StoreLayout& store, const Delivery& delivery);

/// Deliveries that go on beside other work, each in a thread of its own.
class Deliveries {
 public:
  struct Done {
    Delivery delivery;
    bool copied = false;
    std::exception_ptr error;
  };
  explicit Deliveries(StoreLayout store) : store_(std::move(store)) {}

  void start(Delivery delivery);
  bool idle() const { return running_.empty(); }
  /// Those that ended since the last call; waits for all of them where `wait`.
  std::vector<Done> collect(bool wait = false);

 private:
  struct Running {
    Delivery delivery;
    std::future<bool> copied;
  };
  StoreLayout store_;
  std::vector<Running> running_;
};

}  // namespace rankflow
