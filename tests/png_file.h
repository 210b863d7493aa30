// Makes small PNG files for tests, without the decoder that is tested.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>

namespace rankflow {

/// A file of height × width pixels of 1 or 3 channels; the byte number i of its pixels is `first` + i · 7 in 8 bits.
inline std::string png_file(std::uint32_t height, std::uint32_t width, int channels, int first) {
  const auto number = [](std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
  };
  const auto chunk = [&](const std::string& name, const std::string& data) {
    const std::string checked = name + data;
    const auto sum =
        crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
    return number(static_cast<std::uint32_t>(data.size())) + checked +
           number(static_cast<std::uint32_t>(sum));
  };
  std::string rows;
  int value = first;
  for (std::uint32_t row = 0; row < height; ++row) {
    rows += '\0';  // no filter
    for (std::uint32_t i = 0; i < width * static_cast<std::uint32_t>(channels); ++i, value += 7)
      rows += static_cast<char>(value);
  }
  uLongf size = compressBound(rows.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(rows.data()),
           rows.size());
  packed.resize(size);
  const std::string header = number(width) + number(height) + '\x08' + (channels == 3 ? '\x02' : '\0');
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header + std::string(3, '\0')) + chunk("IDAT", packed) +
         chunk("IEND", "");
}

}  // namespace rankflow
