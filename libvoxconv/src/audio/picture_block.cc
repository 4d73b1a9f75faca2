#include "audio/picture_block.h"

#include "audio/byte_writer.h"

namespace voxconv {
namespace {

unsigned big16(const std::vector<std::uint8_t>& bytes, std::size_t at) { return unsigned(bytes[at]) << 8 | bytes[at + 1]; }

/// Walks JPEG's segments to the start of a frame (SOF).
std::optional<PictureSize> jpeg_size(const std::vector<std::uint8_t>& bytes) {
  for (std::size_t at = 2; at + 9 <= bytes.size() && bytes[at] == 0xff;) {
    const unsigned marker = bytes[at + 1];
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) return PictureSize{int(big16(bytes, at + 7)), int(big16(bytes, at + 5))};
    at += 2 + big16(bytes, at + 2);
  }
  return std::nullopt;
}

std::optional<PictureSize> png_size(const std::vector<std::uint8_t>& bytes) {
  if (bytes.size() < 24 || big16(bytes, 16) != 0 || big16(bytes, 20) != 0) return std::nullopt;
  return PictureSize{int(big16(bytes, 18)), int(big16(bytes, 22))};
}

}  // namespace

std::optional<PictureSize> picture_size(const Picture& picture) {
  const auto size = picture.mime == "image/png" ? png_size(picture.bytes) : jpeg_size(picture.bytes);
  return size && size->width > 0 && size->height > 0 ? size : std::nullopt;
}

std::vector<std::uint8_t> build_picture_block(const Picture& cover) {
  const PictureSize size = picture_size(cover).value_or(PictureSize{});
  ByteWriter block;
  block.big<4>(3);  // front cover
  block.big<4>(cover.mime.size());
  block.text(cover.mime);
  block.big<4>(0);  // no description
  block.big<4>(std::uint64_t(size.width));
  block.big<4>(std::uint64_t(size.height));
  block.big<4>(24);  // bits a pixel
  block.big<4>(0);   // no palette
  block.big<4>(cover.bytes.size());
  block.append(cover.bytes);
  return block.bytes();
}

}  // namespace voxconv
