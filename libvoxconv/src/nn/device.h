#pragma once
#include <string>

#include "nn/torch.h"

namespace voxconv::nn {

/// "auto" (CUDA where there is one), "cpu", "cuda", "cuda:N". Throws Error(usage | device).
torch::Device select_device(const std::string& name);

/// "fp32", "bf16", "fp16"; "auto" is fp32 on the CPU and fp16 on CUDA. Throws Error(usage).
torch::ScalarType select_precision(const std::string& name, torch::Device device);

/// Sets the CPU threads of LibTorch for the whole process and flushes denormals; 0: all cores. Call once, early.
void set_threads(int threads);

}  // namespace voxconv::nn
