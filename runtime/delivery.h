// Copies of published outputs in datastores: what `publish_to` of a step asks for. A target is a folder that is written aside,
// checked against the artifact's checksums and renamed into place, or a prefix of an object store (runtime/object_delivery.h). A file
// in it says which artifact it holds, so that it is only written again where it is missing or holds another.
#pragma once

#include <functional>
#include <future>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/location.h"
#include "io/store_layout.h"

namespace rankflow {

struct Delivery {
  std::size_t step = 0;
  std::string output;
  std::string reference;  // "scratch:results/x"
  std::string path;       // the folder or the URL that it means
  std::string digest;     // of the artifact
  std::string run;        // that publishes it
  Location location;      // of an object store; its url is "" for a folder

  bool is_object_store() const { return !location.url.empty(); }
};
Json to_json(const Delivery& delivery);
Delivery delivery_from_json(const Json& json);

/// Brings a target to what the artifact holds. Returns whether anything was copied. Throws Error: configuration where something
/// stands there that no delivery made, bad_data where the artifact is damaged, io, permission.
using Deliver = std::function<bool(const StoreLayout& store, const Delivery& delivery)>;
/// Where the target is a folder. What killed runs of this store left beside it is removed.
bool deliver_to_folder(const StoreLayout& store, const Delivery& delivery);

/// Whether `name`, of something beside a target called `target`, is that of a folder which a killed run of this store wrote aside for
/// it. `run` is the one that asks: no other process of the same run is at work.
bool is_left_over(const std::string& name, const std::string& target, const StoreLayout& store,
                  const std::string& run);

/// Deliveries that go on beside other work, each in a thread of its own.
class Deliveries {
 public:
  struct Done {
    Delivery delivery;
    bool copied = false;
    std::exception_ptr error;
  };
  /// `to_objects` delivers to object stores, for which not every program has the libraries.
  Deliveries(StoreLayout store, Deliver to_objects)
      : store_(std::move(store)), to_objects_(std::move(to_objects)) {}

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
  Deliver to_objects_;
  std::vector<Running> running_;
};

}  // namespace rankflow
