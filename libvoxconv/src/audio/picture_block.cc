#include "audio/picture_block.h"

#include "audio/byte_writer.h"

namespace voxconv {

std::vector<std::uint8_t> build_picture_block(const Picture& cover) {
  ByteWriter block;
  block.big<4>(3);  // front cover
  block.big<4>(cover.mime.size());
  block.text(cover.mime);
  block.big<4>(0);  // no description
  block.zeros(16);  // width, height, depth, colours: unknown
  block.big<4>(cover.bytes.size());
  block.append(cover.bytes);
  return block.bytes();
}

}  // namespace voxconv
