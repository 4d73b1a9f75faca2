#include "eval/machine.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>

#include "nn/conv.h"
#include "nn/linear.h"

namespace voxconv::eval {
namespace {

constexpr double budget_s = 0.4;

/// The best of the runs that fit into the budget, the first not counted; `flop` of one.
double best_gflops(double flop, const std::function<torch::Tensor()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); };
  const auto finish = [&] { return work().flatten().slice(0, 0, 1).item().toDouble(); };  // waits for a GPU too
  finish();
  double best = 0;
  for (const Clock::time_point start = Clock::now(); best == 0 || seconds(start) < budget_s;) {
    const Clock::time_point begin = Clock::now();
    finish();
    best = std::max(best, flop / seconds(begin) / 1e9);
  }
  return best;
}

/// A line "VmHWM:   1234 kB" of the process' status, in bytes.
std::uint64_t status_bytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return 1024 * std::stoull(line.substr(name.size() + 1));
  return 0;
}

}  // namespace

double peak_gflops(torch::Device device, torch::ScalarType type) {
  const c10::InferenceMode inference;
  const auto options = torch::TensorOptions().device(device).dtype(type);
  const bool gpu = device.is_cuda();
  constexpr std::int64_t channels = 256, kernel = 7;
  const std::int64_t samples = gpu ? 65536 : 4096, size = gpu ? 4096 : 1024;
  const nn::PackedConv conv(0.01 * torch::ones({channels, channels, kernel}), {}, {{1, 1}, {0, kernel / 2}, {1, 1}, 1}, device, type);
  const torch::Tensor sound = torch::ones({1, channels, 1, samples}, options).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor a = torch::ones({size, size}, options), b = 0.01 * torch::ones({size, size}, options);
  const torch::Tensor none = torch::zeros({size}, options);
  return std::max(best_gflops(2.0 * double(channels * channels * kernel * samples), [&] { return conv(sound); }),
                  best_gflops(2.0 * double(size * size * size), [&] { return nn::linear(a, b, none); }));
}

std::uint64_t resident_bytes() { return status_bytes("VmRSS"); }
std::uint64_t most_resident_bytes() { return status_bytes("VmHWM"); }

}  // namespace voxconv::eval
