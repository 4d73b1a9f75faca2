#pragma once
#include "nn/graph.h"

namespace voxconv::nn {

/// Makes CUDA graphs, whose memory is shared: what one puts out is to be taken before the next one is replayed. Null where this LibTorch
/// has none.
MakeDeviceGraph cuda_graphs();

}  // namespace voxconv::nn
