#pragma once
#include <functional>

#include "nn/torch.h"

namespace voxconv {

/// How many songs are converted at the same time where nobody says. On a CPU one has all cores; a GPU works on the one while cores prepare
/// others, and a single song leaves part of it idle.
inline int default_jobs(torch::Device device) { return device.is_cpu() ? 1 : 4; }

/// Calls `work` with 0 ... jobs - 1, each on a thread of its own, of which one is the caller's, with a stream of the device of its own.
/// When one throws, or cannot be started, `stop` is called, from which the others are to learn that they shall return; then the first
/// exception is thrown on.
void in_jobs(int jobs, torch::Device device, const std::function<void(int)>& work, const std::function<void()>& stop);

}  // namespace voxconv
