// libpng reports errors by longjmp, which runs no destructors: the functions that may be left that way hold nothing that has one.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "io/image_file.h"

namespace rankflow {
namespace {

constexpr std::string_view signature("\x89PNG\r\n\x1a\n", 8);

struct Source {
  std::string_view left;
  char problem[200] = "";
};

void read_bytes(png_structp png, png_bytep out, std::size_t count) {
  auto& source = *static_cast<Source*>(png_get_io_ptr(png));
  if (source.left.size() < count) png_error(png, "the file is cut off");
  std::memcpy(out, source.left.data(), count);
  source.left.remove_prefix(count);
}

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto& source = *static_cast<Source*>(png_get_error_ptr(png));
  std::strncpy(source.problem, message, sizeof source.problem - 1);
  png_longjmp(png, 1);
}

// Warnings are of chunks that say nothing about pixels (colour profiles, times).
void on_warning(png_structp, png_const_charp) {}

/// libpng's two structures for reading.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : source_{bytes} {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, on_error, on_warning);
    if (png_) info_ = png_create_info_struct(png_);
    if (!info_) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw Error(ExitStatus::internal, "libpng cannot start");
    }
    png_set_read_fn(png_, &source_, read_bytes);
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  ImageSize size() {
    if (!read_header()) fail();
    image_format::check_size(png_get_image_height(png_, info_), png_get_image_width(png_, info_));
    const bool colour = (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) != 0;
    return {png_get_image_height(png_, info_), png_get_image_width(png_, info_), colour ? 3 : 1};
  }

  Image decode() {
    Image image{size(), {}};
    if (!choose_format()) fail();
    const std::size_t row = static_cast<std::size_t>(image.size.width) * image.size.channels;
    if (png_get_rowbytes(png_, info_) != row)
      throw Error(ExitStatus::bad_data, "its rows have another size than its header says");
    image.values.resize(row * static_cast<std::size_t>(image.size.height));
    std::vector<png_bytep> rows;
    for (std::int64_t y = 0; y < image.size.height; ++y)
      rows.push_back(image.values.data() + row * static_cast<std::size_t>(y));
    if (!read_rows(rows.data())) fail();
    return image;
  }

 private:
  [[noreturn]] void fail() {
    throw Error(ExitStatus::bad_data, str("a damaged PNG file: ", source_.problem));
  }

  bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_size has our own
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
    png_read_info(png_, info_);
    return true;
  }
  bool choose_format() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_scale_16(png_);
    png_set_expand(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  bool read_rows(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  Source source_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

image_format::Decoder image_format::png() {
  return {[](std::string_view bytes) { return bytes.starts_with(signature); },
          [](std::string_view bytes) { return Reader(bytes).size(); },
          [](std::string_view bytes) { return Reader(bytes).decode(); }};
}

}  // namespace rankflow
