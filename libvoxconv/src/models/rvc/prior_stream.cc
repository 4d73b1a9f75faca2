#include "models/rvc/prior_stream.h"

#include <algorithm>

namespace voxconv::rvc {
namespace {

std::int64_t border(std::int64_t window) {
  constexpr std::int64_t first[] = {0, PriorStream::window_frames / 4, PriorStream::window_frames * 3 / 4};
  return window < 3 ? first[window] : first[2] + (window - 2) * PriorStream::window_frames;
}

Prior slice(const Prior& prior, std::int64_t first, std::int64_t last) {
  return {prior.mean.slice(1, first, last), prior.log_deviation.slice(1, first, last)};
}

}  // namespace

void PriorStream::append(const torch::Tensor& content, const torch::Tensor& f0) {
  content_.append(content);
  if (synthesizer_.config().f0) f0_.append(f0);
}

bool PriorStream::next(bool last, Prior& prior) {
  const std::int64_t first = border(window_), border_after = border(window_ + 1), heard = border_after + half_fade + margin_frames;
  const std::int64_t frames = content_.end();
  if (last ? exhausted() : frames < heard) return false;
  const std::int64_t from = std::max<std::int64_t>(0, first - half_fade - margin_frames), to = std::min(frames, heard);
  const torch::Tensor f0 = synthesizer_.config().f0 ? f0_.get(from, to) * pitch_ratio_ : torch::Tensor();
  const Prior window = synthesizer_.encode(content_.get(from, to), f0);

  const bool final = last && frames <= border_after;
  const std::int64_t until = final ? frames : border_after - half_fade;
  prior = slice(window, given_ - from, until - from);
  if (before_.mean.defined()) {
    const std::int64_t faded = std::min(before_.mean.size(1), until - given_);
    const torch::Tensor weight =
        (torch::arange(faded, before_.mean.options()) + 0.5) / (2 * half_fade);  // of this window, from the start of the fade
    const auto fade = [&](const torch::Tensor& now, const torch::Tensor& then) {
      now.slice(1, 0, faded).lerp_(then.slice(1, 0, faded), 1 - weight);
    };
    fade(prior.mean, before_.mean);
    fade(prior.log_deviation, before_.log_deviation);
  }
  before_ = final ? Prior{} : slice(window, until - from, std::min(border_after + half_fade, to) - from);
  given_ = until;
  ++window_;
  const std::int64_t needed = border_after - half_fade - margin_frames;
  content_.drop_before(needed);
  f0_.drop_before(needed);
  return true;
}

}  // namespace voxconv::rvc
