// Copies of published outputs in object stores: `publish_to` of a step, where the datastore is one (runtime/delivery.h).
#pragma once

#include "runtime/delivery.h"

namespace rankflow {

/// Brings a place in an object store to what the artifact holds: its files, several at a time, all read back and compared with the
/// manifest's SHA-256, then the index that says so (runtime/published_objects.h). What an interrupted one uploaded is not uploaded again.
/// Returns and throws as Deliver says; Error (io) also where another run publishes to the same place meanwhile.
bool deliver_to_object_store(const StoreLayout& store, const Delivery& delivery);

}  // namespace rankflow
