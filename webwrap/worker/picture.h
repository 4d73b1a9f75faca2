#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace webwrap {

/// Pixels in memory: four bytes each: blue, green, red, unused (what cairo calls RGB24).
struct Pixels {
  int width = 0, height = 0;
  std::vector<std::uint8_t> bytes;

  std::size_t stride() const { return std::size_t(width) * 4; }
};

inline constexpr int largest_picture_side = 12'000;
inline constexpr std::int64_t largest_picture_pixels = 80'000'000;

/// Decodes a JPEG or PNG file's bytes, whichever they are; transparent parts become white. Throws PermanentJobError with a sentence for its
/// owner. Sizes are looked at before memory is taken.
Pixels decode_picture(const std::string& bytes);
std::string encode_jpeg(const Pixels&, int quality);  ///< baseline, without any metadata
/// The middle square of a picture, made smaller to `side` at most; never larger.
Pixels square_of(const Pixels&, int side);

}  // namespace webwrap
