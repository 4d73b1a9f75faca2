#pragma once
#include <cstdint>
#include <string>

namespace webwrap {

inline constexpr std::uint64_t max_picture_pixels = 40'000'000;

/// A picture as a decoder gets it: what is seen, and nothing else of the file it came from.
struct PictureFile {
  enum class Format { jpeg, png, webp };
  Format format = Format::jpeg;
  std::string bytes;
  std::uint32_t width = 0, height = 0;  ///< as it is written, before it is turned; never 0
  int orientation = 1;                  ///< EXIF's, 1 to 8: how the decoded picture is to be turned
};

/// Reads a jpeg, png or webp, by what is in it. Place, camera, comments, colour profiles and thumbnails are left out before anything is
/// decoded: FFmpeg makes text of them, gigabytes from a small file that was made for it. Throws PermanentJobError with a sentence for its
/// owner: for other files, cut off ones, too many pixels, pictures that move, colours for print, and what a decoder would be busy with for
/// minutes.
PictureFile read_picture_file(const std::string& bytes);

[[noreturn]] void fail_damaged_picture();

}  // namespace webwrap
