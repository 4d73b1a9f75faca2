#include "voxconv/process.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "audio/ffmpeg_process.h"
#include "nn/device.h"

namespace voxconv {

// A window of a song asks for about 250 different kernels; what is made anew costs 0.2 ms. Both libraries read the variables when the first
// kernel is made.
void prepare_process() {
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128", /*overwrite=*/0);
  setenv("LRU_CACHE_CAPACITY", "256", /*overwrite=*/0);
  if (std::getenv("OMP_NUM_THREADS") == nullptr) at::set_num_threads(std::max(1, int(std::thread::hardware_concurrency())));
  at::globalContext().setFlushDenormal(true);
  nn::forbid_tf32();
  restrain_ffmpeg();
}

}  // namespace voxconv
