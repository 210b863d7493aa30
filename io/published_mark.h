// Two files by which places that rankflow publishes to tell how they stand (runtime/delivery.h, runtime/published_objects.h).
#pragma once

namespace rankflow {

/// Which artifact the place holds. It is there only where the place is whole.
inline constexpr const char* published_mark = ".rankflow-published.json";
/// In object stores: what lies here is being replaced.
inline constexpr const char* publishing_mark = ".rankflow-publishing.json";

}  // namespace rankflow
