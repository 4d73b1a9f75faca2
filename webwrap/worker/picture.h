#pragma once
#include <string>

namespace webwrap {

/// A picture in two sizes, as jpeg without anything of the file it came from: no place, no camera, no comments.
struct SquarePicture {
  std::string large, small;
};

/// Decodes a jpeg, png or webp (the first picture in it), turns it as it says, cuts out the middle and scales it. What is no such picture,
/// is damaged or has more than 40 million pixels: PermanentJobError. Decoders get the bytes only, and refuse large pictures before they
/// take memory for them.
SquarePicture square_picture(const std::string& bytes);

}  // namespace webwrap
