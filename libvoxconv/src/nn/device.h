#pragma once
#include <c10/core/StreamGuard.h>

#include <string>

#include "nn/torch.h"

namespace voxconv::nn {

/// "auto" (CUDA where there is one), "cpu", "cuda", "cuda:N". Throws Error(usage | device).
torch::Device select_device(const std::string& name);

/// "fp32", "bf16", "fp16"; "auto" is fp32 on the CPU and fp16 on CUDA. Throws Error(usage).
torch::ScalarType select_precision(const std::string& name, torch::Device device);

/// `x` on `device`; where it comes from the CPU this thread does not wait for what the device still has to do.
torch::Tensor send(const torch::Tensor& x, torch::Device device);

/// While it lives, this thread gives its work to a stream of its own of a GPU, beside those of other threads. On the CPU it does nothing.
class OwnStream {
 public:
  explicit OwnStream(torch::Device device);

 private:
  c10::OptionalStreamGuard guard_;
};

/// Has GPUs compute float32 as such for the whole process. Their convolutions otherwise round it to the 10 bits of TF32, in which another
/// class of pitch wins now and then.
void forbid_tf32();

/// Sets the CPU threads of LibTorch for the whole process; 0: as many as there were before this changed them, but for several `jobs`,
/// between which they are divided: more threads than cores only wait for each other. Call before work begins.
void set_threads(int threads, int jobs = 1);

/// Runs the layers where it is safe in a half-precision type while in scope; kFloat: does nothing. Not for nesting.
class Autocast {
 public:
  Autocast(torch::ScalarType type, torch::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  torch::DeviceType device_;
  bool on_;
};

}  // namespace voxconv::nn
