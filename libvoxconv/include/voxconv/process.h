#pragma once

namespace voxconv {

/// For programs, at the start of main(), before there are other threads: bounds what LibTorch keeps of the kernels it has generated, which
/// else grows with the number of different lengths of audio (to 60 MB). Sets environment variables that are not set: oneDNN's
/// ONEDNN_PRIMITIVE_CACHE_CAPACITY and LibTorch's LRU_CACHE_CAPACITY.
void prepare_process();

}  // namespace voxconv
