#pragma once

namespace voxconv {

/// For programs, at the start of main(), before there are other threads: what the library would like of the whole process, and does not
/// change unasked.
/// - Bounds what LibTorch keeps of the kernels it has generated, which else grows with the number of different lengths of audio (to 60 MB),
/// by
///   environment variables that are not set: oneDNN's ONEDNN_PRIMITIVE_CACHE_CAPACITY and LibTorch's LRU_CACHE_CAPACITY.
/// - LibTorch uses as many CPU threads as OMP_NUM_THREADS says, else all cores; this thread and those it starts flush denormals, which are
/// slow.
/// - GPUs compute float32 as such. Their convolutions otherwise round it to the 10 bits of TF32, in which another class of pitch wins now
/// and
///   then.
/// - FFmpeg writes nothing to standard error and takes no more than 128 MiB at once, whatever size a file claims.
void prepare_process();

}  // namespace voxconv
