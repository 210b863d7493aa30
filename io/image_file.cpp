#include "io/image_file.h"

#include <array>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr std::uint64_t most_pixels = std::uint64_t{1} << 27;

/// Calls `use` with the decoder of the file's format and its bytes; names the file in errors.
template <typename Use>
auto with_decoder(const std::string& path, const Use& use) {
  const std::string bytes = read_file(path);
  try {
    if (bytes.empty()) throw Error(ExitStatus::bad_data, "the file is empty");
    for (const image_format::Decoder& decoder : {image_format::png(), image_format::jpeg()}) {
      if (decoder.starts(bytes)) return use(decoder, std::string_view(bytes));
    }
    throw Error(ExitStatus::bad_data, "is neither a PNG nor a JPEG file");
  } catch (const Error& e) {
    throw Error(e.status(), str(path, ": ", e.message()), e.hint());
  }
}

}  // namespace

void image_format::check_size(std::uint64_t height, std::uint64_t width) {
  if (height == 0 || width == 0) throw Error(ExitStatus::bad_data, "an image without pixels");
  if (height > most_pixels || width > most_pixels || height * width > most_pixels) {
    throw Error(ExitStatus::bad_data,
                str("its header says ", height, " × ", width, " pixels; at most ", most_pixels, " are read"));
  }
}

ImageSize read_image_size(const std::string& path) {
  return with_decoder(path,
                      [](const image_format::Decoder& d, std::string_view bytes) { return d.size(bytes); });
}

Image read_image(const std::string& path) {
  return with_decoder(path,
                      [](const image_format::Decoder& d, std::string_view bytes) { return d.decode(bytes); });
}

Image with_channels(Image image, int channels) {
  if (image.size.channels == channels) return image;
  const auto pixels = static_cast<std::size_t>(image.size.pixels());
  Image out{{image.size.height, image.size.width, channels}, std::vector<std::uint8_t>(pixels * channels)};
  for (std::size_t i = 0; i < pixels; ++i) {
    if (channels == 3) {
      out.values[3 * i] = out.values[3 * i + 1] = out.values[3 * i + 2] = image.values[i];
    } else {
      const std::uint32_t red = image.values[3 * i], green = image.values[3 * i + 1],
                          blue = image.values[3 * i + 2];
      out.values[i] = static_cast<std::uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
    }
  }
  return out;
}

}  // namespace rankflow
