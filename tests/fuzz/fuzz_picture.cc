// Whatever a picture's file holds, what a decoder gets of it is a file of its own that reads the same, or its owner gets a sentence.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "worker/job_runner.h"
#include "worker/picture_file.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  webwrap::PictureFile file;
  try {
    file = webwrap::read_picture_file(std::string(reinterpret_cast<const char*>(data), size));
  } catch (const webwrap::PermanentJobError&) {
    return 0;
  }
  require(file.width > 0 && file.height > 0 && file.orientation >= 1 && file.orientation <= 8);
  require(file.bytes.size() <= size + 1);  // a webp's last chunk may come without its padding
  const webwrap::PictureFile again = webwrap::read_picture_file(file.bytes);
  require(again.bytes == file.bytes && again.width == file.width && again.height == file.height && again.orientation == 1);
  return 0;
}
