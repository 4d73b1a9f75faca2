#pragma once
#include <cstdint>

#include "nn/torch.h"

namespace voxconv {

constexpr int feature_rate = 16000;  ///< Hz: all features are taken from 16 kHz mono audio
constexpr int frame_rate = 100;      ///< frames a second: the one clock; frame t is centred at sample t * feature_hop
constexpr int feature_hop = feature_rate / frame_rate;

/// Frames of `samples` samples of 16 kHz audio: one at each multiple of the hop, the first at sample 0.
constexpr std::int64_t frame_count(std::int64_t samples) { return samples / feature_hop + 1; }

/// The input of a voice model: consecutive frames of one song, all float32 on one device, all of length T.
struct FeatureFrames {
  torch::Tensor content;   ///< [T, dim] of the content encoder
  torch::Tensor f0;        ///< [T] Hz, 0 = unvoiced
  torch::Tensor loudness;  ///< [T] ln(RMS + 1e-5), see loudness.h
  std::int64_t size() const { return f0.defined() ? f0.size(0) : 0; }
};

}  // namespace voxconv
