// libjpeg reports errors by longjmp, which runs no destructors: the functions that may be left that way hold nothing that has one.
// jpeglib.h needs what stands before it.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>
#include <string>

#include "base/error.h"
#include "base/text.h"
#include "io/image_file.h"

namespace rankflow {
namespace {

struct Errors {
  jpeg_error_mgr manager;  // first: libjpeg's pointer to it is one to this structure
  std::jmp_buf leave;
  char problem[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void on_error(j_common_ptr jpeg) {
  auto& errors = *reinterpret_cast<Errors*>(jpeg->err);
  errors.manager.format_message(jpeg, errors.problem);
  std::longjmp(errors.leave, 1);
}

/// libjpeg warns and goes on with grey where data are missing or wrong. Warnings that leave the pixels alone are let pass.
void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA:
      return;
    default:
      on_error(jpeg);
  }
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) {
    jpeg_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = on_error;
    errors_.manager.emit_message = on_message;
    if (!begin(bytes)) fail();
  }
  ~Reader() { jpeg_destroy_decompress(&jpeg_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  ImageSize size() {
    image_format::check_size(jpeg_.image_height, jpeg_.image_width);
    if (jpeg_.num_components != 1 && jpeg_.num_components != 3) {
      throw Error(
          ExitStatus::bad_data,
          str("a JPEG file of ", jpeg_.num_components, " components (CMYK?), not 1 (grey) or 3 (colour)"),
          "convert it to RGB");
    }
    return {jpeg_.image_height, jpeg_.image_width, jpeg_.num_components};
  }

  Image decode() {
    Image image{size(), {}};
    const std::size_t row = static_cast<std::size_t>(image.size.width) * image.size.channels;
    image.values.resize(row * static_cast<std::size_t>(image.size.height));
    if (!decode_into(image.values.data(), row)) fail();
    return image;
  }

 private:
  [[noreturn]] void fail() {
    throw Error(ExitStatus::bad_data, str("a damaged JPEG file: ", errors_.problem));
  }

  bool begin(std::string_view bytes) {
    if (setjmp(errors_.leave)) return false;
    jpeg_create_decompress(&jpeg_);
    jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&jpeg_, TRUE);
    return true;
  }

  bool decode_into(std::uint8_t* values, std::size_t row) {
    if (setjmp(errors_.leave)) return false;
    jpeg_.out_color_space = jpeg_.num_components == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_start_decompress(&jpeg_);
    while (jpeg_.output_scanline < jpeg_.output_height) {
      JSAMPROW to = values + row * jpeg_.output_scanline;
      jpeg_read_scanlines(&jpeg_, &to, 1);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  Errors errors_{};
  jpeg_decompress_struct jpeg_{};
};

}  // namespace

image_format::Decoder image_format::jpeg() {
  return {[](std::string_view bytes) { return bytes.starts_with("\xff\xd8\xff"); },
          [](std::string_view bytes) { return Reader(bytes).size(); },
          [](std::string_view bytes) { return Reader(bytes).decode(); }};
}

}  // namespace rankflow
