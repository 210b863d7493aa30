// Images of another size.
#pragma once

#include "io/image_file.h"

namespace rankflow {

/// Bilinear interpolation whose triangle grows with the reduction, so that shrinking averages instead of skipping pixels: the
/// method of Pillow's resize(BILINEAR) and of torchvision with antialiasing. In fixed point, rows first and then columns, as
/// Pillow does: the same bytes as Pillow's, on any machine.
Image resized(const Image& image, std::int64_t height, std::int64_t width);

}  // namespace rankflow
