// Whatever bytes a sound file holds, reading it ends in finite sound or in a voxconv::Error, within bounded memory and time.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "audio/ffmpeg_process.h"
#include "voxconv/audio_io.h"
#include "voxconv/error.h"

// libsndfile forgets a few kilobytes of some Ogg files that it refuses.
extern "C" const char* __lsan_default_suppressions() { return "leak:libvorbis\nleak:libsndfile\nleak:libogg\nleak:libopus\n"; }
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool restrained = (voxconv::restrain_ffmpeg(), true);
  static_cast<void>(restrained);
  static const int file = memfd_create("fuzz_reader", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  try {
    const auto reader = voxconv::open_reader(path);
    voxconv::AudioBuffer block;
    constexpr int max_blocks = 200;  // lossless formats make hours of silence out of few bytes
    for (int i = 0; i < max_blocks && reader->read(block, 4096); ++i) {
      if (block.channel_count() != static_cast<std::size_t>(reader->info().channels) || block.rate != reader->info().rate) std::abort();
      for (const auto& channel : block.channels)
        for (const float x : channel)
          if (!std::isfinite(x)) std::abort();
    }
  } catch (const voxconv::Error&) {
  }
  return 0;
}
