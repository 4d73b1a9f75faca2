#pragma once
#include "models/separation/architecture.h"
#include "models/separation/roformer/config.h"
#include "models/separation/roformer/network.h"

namespace voxconv::roformer {

/// MelBand-RoFormer and BS-RoFormer, from the checkpoints and .yaml files of ZFTurbo's Music-Source-Separation-Training and of those who
/// train with it.
SeparatorArchitecture architecture();

/// A network with the spectrum around it. Const and thread-safe.
class SegmentSeparator {
 public:
  SegmentSeparator(const SeparatorFile& file, const Settings& settings, torch::Device device, torch::ScalarType precision);

  const Network& network() const { return network_; }
  /// Samples [2, segment] -> [frames, bins, 2, 2] on the network's device.
  torch::Tensor spectrum(const torch::Tensor& samples) const;
  /// Samples [2, segment] -> these stems of them, [stems, 2, segment], fp32 on the CPU.
  torch::Tensor operator()(const torch::Tensor& samples, const std::vector<std::int64_t>& stems) const;

 private:
  SpectrumConfig config_;
  torch::Device device_;
  torch::Tensor window_;
  Network network_;
};

}  // namespace voxconv::roformer
