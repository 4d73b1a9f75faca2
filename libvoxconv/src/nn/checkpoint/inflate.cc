#include "nn/checkpoint/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

namespace voxconv::nn {

bool inflate(const std::uint8_t* data, std::uint64_t packed, std::uint8_t* out, std::uint64_t size) {
  constexpr std::uint64_t most = std::numeric_limits<uInt>::max();  // that zlib takes at a time
  constexpr int raw = -MAX_WBITS;
  z_stream stream{};
  if (inflateInit2(&stream, raw) != Z_OK) return false;
  stream.next_in = const_cast<Bytef*>(data);
  stream.next_out = out;
  int status = Z_OK;
  while (status == Z_OK) {
    const auto in = static_cast<uInt>(std::min(packed, most)), room = static_cast<uInt>(std::min(size, most));
    stream.avail_in = in;
    stream.avail_out = room;
    status = ::inflate(&stream, Z_NO_FLUSH);  // Z_BUF_ERROR where nothing moves any more
    packed -= in - stream.avail_in;
    size -= room - stream.avail_out;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && packed == 0 && size == 0;
}

}  // namespace voxconv::nn
