#include "io/idx.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr std::uint8_t unsigned_byte = 0x08;
constexpr int most_dimensions = 8;
constexpr std::size_t first_block = 64u << 10, block = 16u << 20;

/// A stream of bytes out of a plain or gzip file (zlib tells which by looking).
class ByteStream {
 public:
  explicit ByteStream(const std::string& path) : path_(path) {
    const File file(path, O_RDONLY);
    const int own = dup(file.fd());  // zlib closes what it is given
    if (own < 0) throw system_error("cannot open", path, errno);
    stream_.reset(gzdopen(own, "rb"));
    if (!stream_) {
      close(own);
      throw Error(ExitStatus::internal, "zlib cannot start");
    }
    gzbuffer(stream_.get(), 1 << 20);
  }

  /// Reads up to `bytes`; fewer only at the end.
  std::size_t read(void* data, std::size_t bytes) {
    const int got = gzread(stream_.get(), data, static_cast<unsigned>(bytes));
    int code = Z_OK;
    const char* text = gzerror(stream_.get(), &code);
    if (got < 0 || code == Z_BUF_ERROR) {
      if (code == Z_ERRNO) throw system_error("cannot read", path_, errno);
      throw Error(ExitStatus::bad_data,
                  str(path_, ": ", code == Z_BUF_ERROR ? "the gzip stream is cut off" : text));
    }
    return static_cast<std::size_t>(got);
  }

 private:
  struct Close {
    void operator()(gzFile_s* f) const { gzclose_r(f); }
  };
  std::string path_;
  std::unique_ptr<gzFile_s, Close> stream_;
};

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ExitStatus::bad_data, str(path, ": ", what));
}

std::vector<std::int64_t> read_shape(ByteStream& stream, const std::string& path) {
  std::array<std::uint8_t, 4> head{};
  if (stream.read(head.data(), 4) != 4) fail(path, "too short for an IDX file");
  if (head[0] != 0 || head[1] != 0) fail(path, "no IDX file: it does not start with two zero bytes");
  if (head[2] != unsigned_byte)
    fail(path, str("values of type ", int{head[2]}, " are not supported, only unsigned bytes (8)"));
  if (head[3] < 1 || head[3] > most_dimensions)
    fail(path, str("an IDX array of ", int{head[3]}, " dimensions"));
  std::vector<std::int64_t> shape;
  for (int d = 0; d < head[3]; ++d) {
    std::array<std::uint8_t, 4> n{};
    if (stream.read(n.data(), 4) != 4) fail(path, "cut off in its header");
    shape.push_back(std::int64_t{n[0]} << 24 | n[1] << 16 | n[2] << 8 | n[3]);
  }
  return shape;
}

std::uint64_t product(const std::vector<std::int64_t>& shape, const std::string& path) {
  std::uint64_t elements = 1;
  for (auto n : shape) {
    if (__builtin_mul_overflow(elements, static_cast<std::uint64_t>(n), &elements))
      fail(path, "an impossible size in its header");
  }
  return elements;
}

}  // namespace

IdxArray read_idx(const std::string& path) {
  FileStamp before, after;
  if (!stamp_of(path, before)) throw Error(ExitStatus::io, str("there is no file ", path));
  ByteStream stream(path);
  IdxArray array;
  array.shape = read_shape(stream, path);
  const std::uint64_t expected = product(array.shape, path);
  for (;;) {
    const std::size_t have = array.values.size();
    // One byte more than expected is asked for, to see the end; and no more than doubles what there is.
    const std::size_t want =
        std::min<std::uint64_t>(std::clamp(have, first_block, block), expected - have) + 1;
    array.values.resize(have + want);
    const std::size_t got = stream.read(array.values.data() + have, want);
    array.values.resize(have + got);
    if (array.values.size() > expected) fail(path, str("more than the ", expected, " values of its header"));
    if (got < want) break;
  }
  if (array.values.size() < expected)
    fail(path, str("has ", array.values.size(), " values, but its header says ", expected));
  if (!stamp_of(path, after) || !(before == after)) fail(path, "changed while it was read");
  return array;
}

}  // namespace rankflow
