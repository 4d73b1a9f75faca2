#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace webwrap {

/// Pixels in memory: four bytes each: blue, green, red, unused (what cairo calls RGB24).
struct Pixels {
  int width = 0, height = 0;
  std::vector<std::uint8_t> bytes;

  std::size_t stride() const { return std::size_t(width) * 4; }
};

/// A picture that cannot be taken. what(): one sentence for its owner.
struct PictureRefused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr char unreadable_picture[] =
    "This picture cannot be read: it is damaged or asks for too much. Save it anew as a JPEG or PNG.";

/// Decodes a jpeg, png or webp, whichever it is, and turns it as its camera says; transparent parts become white. Throws PictureRefused for
/// what is damaged, moves, is in colours for print, has fewer than `least` pixels on a side or too many, which is found before memory is
/// taken for them. Nothing bounds the time and the memory for the rest of a file: what strangers sent is for squares_of_picture() only
/// (picture_process.h).
Pixels decode_picture(const std::string& bytes, int least = 1);
/// Baseline, without metadata, its colours at full resolution. `coarseness`: 1, the best and largest, to 31.
std::string encode_jpeg(const Pixels&, int coarseness);
/// The middle square of a picture, made smaller to `side` at most; never larger.
Pixels square_of(const Pixels&, int side);

}  // namespace webwrap
