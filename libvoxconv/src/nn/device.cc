#include "nn/device.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <mutex>

#include "core/fail.h"

namespace voxconv::nn {

torch::Device select_device(const std::string& name) {
  const bool cuda = torch::cuda::is_available();
  if (name == "auto") return cuda ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  if (name == "cpu") return torch::kCPU;
  if (name != "cuda" && name.rfind("cuda:", 0) != 0)
    fail(ErrorCode::usage, "Unknown device \"{}\"; expected auto, cpu, cuda or cuda:N.", name);
  if (!cuda)
    fail(ErrorCode::device,
         "No CUDA device is usable for \"{}\": there is none, its driver is missing, or this LibTorch is a CPU build. Use --device cpu.",
         name);
  int index = 0;
  if (name.size() > 5) {
    const std::string digits = name.substr(5);
    if (digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string::npos)
      fail(ErrorCode::usage, "Unknown device \"{}\"; expected cuda:N with a number N.", name);
    index = std::stoi(digits);
  }
  const int count = static_cast<int>(torch::cuda::device_count());
  if (index >= count) fail(ErrorCode::device, "There is no device {}; this machine has {} CUDA device(s), numbered from 0.", name, count);
  return torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(index));
}

torch::Tensor send(const torch::Tensor& x, torch::Device device) {
  if (!x.is_cpu() || device.is_cpu()) return x.to(device);
  return x.pin_memory().to(device, /*non_blocking=*/true);  // the allocator of pinned memory keeps it until it was copied
}

OwnStream::OwnStream(torch::Device device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.getDefaultStream(device).synchronize();  // what was loaded may still be on its way there
  guard_.reset_stream(guard.getStreamFromGlobalPool(device));
}

torch::ScalarType select_precision(const std::string& name, torch::Device device) {
  if (name == "auto") return device.is_cuda() ? torch::kHalf : torch::kFloat;
  if (name == "fp32") return torch::kFloat;
  if (name == "bf16") return torch::kBFloat16;
  if (name == "fp16") {
    if (device.is_cpu()) fail(ErrorCode::usage, "fp16 is for GPUs; on the CPU use fp32 or bf16.");
    return torch::kHalf;
  }
  fail(ErrorCode::usage, "Unknown precision \"{}\"; expected auto, fp32, bf16 or fp16.", name);
}

void forbid_tf32() {
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

void set_threads(int threads, int jobs) {
  static std::mutex mutex;
  static int before = 0, set = 0;  // the last change made here; 0: none
  const std::lock_guard lock(mutex);
  const int now = at::get_num_threads();
  const int usual = set > 0 && now == set ? before : now;  // another number is somebody else's wish
  const int wanted = threads > 0 ? threads : std::max(1, usual / std::max(1, jobs));
  if (wanted != now) at::set_num_threads(wanted);
  before = usual;
  set = wanted;
}

Autocast::Autocast(torch::ScalarType type, torch::Device device) : device_(device.type()), on_(type != torch::kFloat) {
  if (!on_) return;
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, type);
}

Autocast::~Autocast() {
  if (!on_) return;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

}  // namespace voxconv::nn
