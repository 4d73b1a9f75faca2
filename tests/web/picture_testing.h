#pragma once
#include <string>

#include "worker/picture.h"

namespace webwrap::testing {

/// Blue grows to the right, green downwards.
inline Pixels gradient(int width, int height) {
  Pixels pixels{width, height, {}};
  pixels.bytes.resize(pixels.stride() * std::size_t(height));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = pixels.bytes.data() + std::size_t(y) * pixels.stride() + std::size_t(x) * 4;
      pixel[0] = std::uint8_t(255 * x / width);
      pixel[1] = std::uint8_t(255 * y / height);
      pixel[2] = 90;
    }
  return pixels;
}

/// 0xRRGGBB.
inline unsigned colour_at(const Pixels& pixels, int x, int y) {
  const std::uint8_t* pixel = &pixels.bytes.at(std::size_t(y) * pixels.stride() + std::size_t(x) * 4);
  return unsigned(pixel[2]) << 16 | unsigned(pixel[1]) << 8 | pixel[0];
}

}  // namespace webwrap::testing
