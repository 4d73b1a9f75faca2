#pragma once
#include "nn/torch.h"

namespace voxconv {

/// How many songs are converted at the same time where nobody says. On a CPU one has all cores; a GPU works on the one while cores prepare
/// others, and a single song leaves part of it idle.
inline int default_jobs(torch::Device device) { return device.is_cpu() ? 1 : 4; }

}  // namespace voxconv
