#include "models/rvc/prior_stream.h"

#include <algorithm>

namespace voxconv::rvc {
namespace {

Prior slice(const Prior& prior, std::int64_t first, std::int64_t last) {
  return {prior.mean.slice(1, first, last), prior.log_deviation.slice(1, first, last)};
}

}  // namespace

void PriorStream::append(const torch::Tensor& content, const torch::Tensor& f0) {
  content_.append(content);
  if (synthesizer_.config().f0) f0_.append(f0);
}

bool PriorStream::next(bool last, Prior& prior) {
  const std::int64_t frames = content_.end();
  const std::vector<Window> windows = last ? windows_.rest(frames, frames) : windows_.next(frames);
  if (windows.empty()) return false;
  const Window& place = windows[0];
  const torch::Tensor f0 = synthesizer_.config().f0 ? f0_.get(place.from, place.to) * pitch_ratio_ : torch::Tensor();
  const Prior window = synthesizer_.encode(content_.get(place.from, place.to), f0);

  const std::int64_t until = place.last ? frames : place.end - half_fade;
  prior = slice(window, given_ - place.from, until - place.from);
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
  before_ = place.last ? Prior{} : slice(window, until - place.from, std::min(place.end + half_fade, place.to) - place.from);
  given_ = until;
  content_.drop_before(windows_.needed_from());
  f0_.drop_before(windows_.needed_from());
  return true;
}

}  // namespace voxconv::rvc
