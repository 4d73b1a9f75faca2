#include "convert/spectral_filter.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "audio/samples.h"

namespace voxconv {
namespace {

constexpr std::size_t batch = 32;  // frames at a time, always as many, so that nothing depends on how the stream is cut

}  // namespace

SpectralFilter::SpectralFilter(int rate, std::size_t channels_in, std::size_t channels_out, std::size_t frame, Change change)
    : frame_(frame),
      hop_(frame / overlap),
      change_(std::move(change)),
      // With hops of a quarter the squares add up to 2.
      window_(torch::sin(torch::arange(std::int64_t(frame), torch::kDouble) * (M_PI / double(frame))).mul(M_SQRT1_2).to(torch::kFloat)),
      waiting_(rate, channels_in, frame - hop_),
      overlap_(rate, channels_out, frame),
      ready_(rate, channels_out),
      skipped_(frame - hop_) {}

void SpectralFilter::process() {
  const torch::NoGradGuard guard;
  const std::int64_t size = std::int64_t((batch - 1) * hop_ + frame_), frame = std::int64_t(frame_);
  std::vector<torch::Tensor> segments;
  for (auto& samples : waiting_.channels)
    segments.push_back(torch::from_blob(samples.data(), {size}).unfold(0, frame, std::int64_t(hop_)) * window_);
  const torch::Tensor changed = change_(torch::fft::rfft(torch::stack(segments)));
  const torch::Tensor pieces = (torch::fft::irfft(changed, frame) * window_).contiguous();
  const float* piece = pieces.const_data_ptr<float>();
  for (std::size_t c = 0; c < overlap_.channel_count(); ++c) {
    std::vector<float>&sums = overlap_.channels[c], &ready = ready_.channels[c];
    for (std::size_t t = 0; t < batch; ++t, piece += frame_) {
      for (std::size_t i = 0; i < frame_; ++i) sums[i] += piece[i];
      ready.insert(ready.end(), sums.begin(), sums.begin() + std::ptrdiff_t(hop_));
      std::shift_left(sums.begin(), sums.end(), std::ptrdiff_t(hop_));
      std::fill(sums.end() - std::ptrdiff_t(hop_), sums.end(), 0.0F);
    }
    ready.erase(ready.begin(), ready.begin() + std::ptrdiff_t(std::min(skipped_, ready.size())));
  }
  skipped_ -= std::min(skipped_, batch * hop_);
  for (auto& samples : waiting_.channels) samples.erase(samples.begin(), samples.begin() + std::ptrdiff_t(batch * hop_));
}

AudioBuffer SpectralFilter::push(const AudioBuffer& audio) {
  append(waiting_, audio);
  held_ += audio.frames();
  while (waiting_.frames() >= (batch - 1) * hop_ + frame_) process();
  held_ -= ready_.frames();
  return take_first(ready_, ready_.frames());
}

AudioBuffer SpectralFilter::finish() {
  while (ready_.frames() < held_) {
    for (auto& channel : waiting_.channels) channel.resize(std::max(channel.size(), (batch - 1) * hop_ + frame_));
    process();
  }
  return take_first(ready_, std::exchange(held_, 0));
}

}  // namespace voxconv
