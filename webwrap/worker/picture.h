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

/// Decodes a jpeg, png or webp, whichever it is, and turns it as its camera says; transparent parts become white. What is damaged, no such
/// picture, has fewer than `least` pixels on a side or more than 40 million in all, which is found before memory is taken for them:
/// PermanentJobError with a sentence for its owner.
Pixels decode_picture(const std::string& bytes, int least = 1);
/// Baseline, without metadata, its colours at full resolution. `coarseness`: 1, the best and largest, to 31.
std::string encode_jpeg(const Pixels&, int coarseness);
/// The middle square of a picture, made smaller to `side` at most; never larger.
Pixels square_of(const Pixels&, int side);

}  // namespace webwrap
