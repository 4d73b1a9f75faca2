#include "convert/pitch_bridge.h"

#include "convert/feature_stream.h"
#include "features/pitch/smooth.h"

namespace voxconv {
namespace {

/// Frames up to the last one with a pitch, that included.
std::int64_t up_to_pitch(const torch::Tensor& f0) {
  const torch::Tensor voiced = (f0 > 0).nonzero();
  return voiced.size(0) ? voiced[-1].item<std::int64_t>() + 1 : 0;
}

FeatureFrames slice(const FeatureFrames& frames, std::int64_t begin, std::int64_t end) {
  return {frames.content.slice(0, begin, end), frames.f0.slice(0, begin, end), frames.loudness.slice(0, begin, end)};
}

}  // namespace

FeatureFrames PitchBridge::push(const FeatureFrames& frames, bool last) {
  held_ = join({held_, frames});
  const std::int64_t count = held_.size();
  std::int64_t certain = count ? up_to_pitch(held_.f0) : 0;
  if (certain > 0) {
    held_.f0 = bridge_inner_gaps(held_.f0, before_);
    before_ = held_.f0[certain - 1].item<float>();
  }
  if (last || count - certain > longest_gap) {
    const std::int64_t given_up = last ? count : count - longest_gap;
    if (count > 0) held_.f0.slice(0, certain, given_up).fill_(before_);
    certain = given_up;
  }
  if (certain == 0) return {};
  const FeatureFrames out = slice(held_, 0, certain);
  held_ = certain < count ? slice(held_, certain, count) : FeatureFrames{};
  return out;
}

}  // namespace voxconv
