#pragma once
#include <string>

#include "voxconv/progress.h"

namespace webwrap {

/// The sides of the squares that are made of a picture, and of the least that is taken.
struct PictureSides {
  int least, large, small;
};

/// What a picture may cost. Enough for an honest one of 40 million pixels, a few times over.
struct PictureLimits {
  int cpu_s = 20;
  long memory = 1L << 30;  ///< of addresses, the program itself included, in bytes
};

struct PictureSquares {
  int width = 0, height = 0;  ///< of the whole picture
  std::string large, small;   ///< its middle, as jpegs
};

/// Has the program webwrap_picture decode what a stranger sent, in a process that may take so much, and has nothing of this one but two
/// files. `folder`: for a temporary file. Throws PermanentJobError where the picture is refused, or costs more; voxconv::Error(cancelled),
/// with that process ended, once `cancel` says so, as a worker does when the time of a job is over.
PictureSquares squares_of_picture(const std::string& path, const PictureSides&, const std::string& folder,
                                  const voxconv::CancelToken& cancel, const PictureLimits& = {});

}  // namespace webwrap
