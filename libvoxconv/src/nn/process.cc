#include "voxconv/process.h"

#include <cstdlib>

namespace voxconv {

// A window of a song asks for about 250 different kernels; what is made anew costs 0.2 ms. Both libraries read the variables when the first
// kernel is made.
void prepare_process() {
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128", /*overwrite=*/0);
  setenv("LRU_CACHE_CAPACITY", "256", /*overwrite=*/0);
}

}  // namespace voxconv
