// PNG and JPEG files, decoded to bytes. What a file is, its first bytes say, not its name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankflow {

struct ImageSize {
  std::int64_t height = 0, width = 0;
  int channels = 0;  // 1: grey, 3: red, green, blue
  std::int64_t pixels() const { return height * width; }
  bool operator==(const ImageSize&) const = default;
};

/// Row-major, the channels of a pixel side by side: [height, width, channels].
struct Image {
  ImageSize size;
  std::vector<std::uint8_t> values;
};

/// From the file's header alone.
ImageSize read_image_size(const std::string& path);
/// Decodes the file. Palettes become colours, 16 bits become 8, transparency is dropped. Throws Error (bad_data) naming the
/// file where it is neither PNG nor JPEG, cut off, damaged in a way that would change pixels, in CMYK, or of more than 2^27
/// pixels (before memory is taken for them); (io) where it can't be read.
Image read_image(const std::string& path);

/// [height, width, 3] → [height, width, 1] and back; nothing where the image has `channels` already. Grey is the luma of
/// ITU-R BT.601 in 16-bit fixed point, as Pillow's convert("L") has it.
Image with_channels(Image image, int channels);

namespace image_format {  // one per file format, for image_file.cpp

struct Decoder {
  bool (*starts)(std::string_view bytes);
  /// Throw Error (bad_data) without the file's name.
  ImageSize (*size)(std::string_view bytes);
  Image (*decode)(std::string_view bytes);
};
Decoder png();
Decoder jpeg();
/// Throws where the size is impossible or too large.
void check_size(std::uint64_t height, std::uint64_t width);

}  // namespace image_format

}  // namespace rankflow
