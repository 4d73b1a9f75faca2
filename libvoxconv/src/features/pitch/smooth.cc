#include "features/pitch/smooth.h"

#include <algorithm>
#include <utility>

#include "features/frames.h"

namespace voxconv {
namespace {

torch::Tensor bridge(const torch::Tensor& f0, float before, bool to_the_end) {
  const torch::Tensor result = f0.to(torch::kCPU, torch::kFloat).contiguous().clone();
  float* const hz = result.data_ptr<float>();
  const std::int64_t count = result.size(0);
  std::int64_t left = -1;  // the last frame with a pitch
  float left_hz = before;
  for (std::int64_t t = 0; t <= count; ++t) {
    if (t < count && hz[t] <= 0) continue;
    if (t == count && !to_the_end) break;
    const float right_hz = t < count ? hz[t] : left_hz, from = left_hz > 0 ? left_hz : right_hz;
    for (std::int64_t gap = left + 1; gap < t; ++gap) hz[gap] = from + (right_hz - from) * float(gap - left) / float(t - left);
    left = t;
    left_hz = right_hz;
  }
  return result;
}

class MedianF0 final : public F0Estimator {
 public:
  MedianF0(std::shared_ptr<const F0Estimator> estimator, std::int64_t width) : estimator_(std::move(estimator)), width_(width) {}
  F0Frames estimate(const torch::Tensor& audio) const override { return estimate_part(audio, 0, frame_count(audio.size(0))); }
  F0Frames estimate_part(const torch::Tensor& audio, std::int64_t begin, std::int64_t end) const override {
    F0Frames frames = estimator_->estimate_part(audio, std::max<std::int64_t>(0, begin - width_ / 2),
                                                std::min(frame_count(audio.size(0)), end + width_ / 2));
    frames.hz = median_filter(frames.hz, width_);
    return frames;
  }
  F0Frames estimate_windows(const torch::Tensor& audio) const override {
    F0Frames frames = estimator_->estimate_windows(audio);
    frames.hz = median_filter(frames.hz, width_);
    return frames;
  }
  double context_s() const override { return estimator_->context_s() + 0.01 * double(width_ / 2); }

 private:
  std::shared_ptr<const F0Estimator> estimator_;
  std::int64_t width_;
};

}  // namespace

torch::Tensor bridge_gaps(const torch::Tensor& f0) { return bridge(f0, 0, true); }

torch::Tensor bridge_inner_gaps(const torch::Tensor& f0, float before) { return bridge(f0, before, false); }

torch::Tensor median_filter(const torch::Tensor& f0, std::int64_t width) {
  if (f0.numel() == 0) return f0;
  return std::get<0>(torch::constant_pad_nd(f0, {width / 2, width / 2}).unfold(-1, width, 1).median(-1));
}

std::shared_ptr<const F0Estimator> with_median(std::shared_ptr<const F0Estimator> estimator, std::int64_t width) {
  if (!estimator || width < 2) return estimator;
  return std::make_shared<MedianF0>(std::move(estimator), width);
}

}  // namespace voxconv
