#include "convert/feature_stream.h"

#include <algorithm>

#include "core/stage_clock.h"
#include "features/background.h"
#include "features/loudness.h"

namespace voxconv {
namespace {

static_assert(PitchStream::lead_frames >= FeatureStream::context_frames + 1);

/// Hz of `count` frames from `first`; behind the track's end nothing is sung.
torch::Tensor track_frames(const F0Track& track, std::int64_t first, std::int64_t count) {
  torch::Tensor f0 = torch::zeros(count);
  for (std::int64_t t = 0; t < count && first + t < std::int64_t(track.hz.size()); ++t) f0[t] = track.hz[std::size_t(first + t)];
  return f0;
}

}  // namespace

FeatureFrames join(const std::vector<FeatureFrames>& parts) {
  std::vector<torch::Tensor> content, f0, loudness;
  for (const FeatureFrames& part : parts) {
    if (part.size() == 0) continue;
    content.push_back(part.content);
    f0.push_back(part.f0);
    loudness.push_back(part.loudness);
  }
  if (f0.empty()) return {};
  return {torch::cat(content), torch::cat(f0), torch::cat(loudness)};
}

FeatureStream::FeatureStream(std::shared_ptr<const ContentEncoder> content, std::shared_ptr<const F0Estimator> f0, double pause_db,
                             std::int64_t together, const F0Track* track)
    : content_(std::move(content)), track_(track), pause_db_(pause_db), together_(together) {
  if (f0 && !track) pitch_.emplace(std::move(f0), together);
}

FeatureFrames FeatureStream::push(std::span<const float> audio) {
  audio_.insert(audio_.end(), audio.begin(), audio.end());
  end_ += std::int64_t(audio.size());
  // The pitch comes first: its networks take the most memory, and content is large.
  if (pitch_) know(pitch_->push(audio).hz);
  std::vector<FeatureFrames> out;
  analyse_ready(out);
  return join(out);
}

FeatureFrames FeatureStream::finish() {
  if (end_ == 0) return {};
  if (pitch_) know(pitch_->finish().hz);
  std::vector<FeatureFrames> out;
  analyse_ready(out);
  const std::int64_t from = window_start();
  const torch::Tensor audio = audio_from(from * feature_hop, end_);
  add({encode(audio), pitch(from, frame_count(audio.size(0))), rms_loudness(audio)}, true, out);
  return join(out);
}

/// Of the samples of one window [N], or of several [B, N].
torch::Tensor FeatureStream::encode(const torch::Tensor& audio) const {
  if (!content_) {
    std::vector<std::int64_t> shape = audio.sizes().vec();
    shape.back() = frame_count(shape.back());
    shape.push_back(0);
    return torch::zeros(shape);
  }
  const StageScope stage(Stage::content);
  return (audio.dim() == 1 ? content_->encode(audio) : content_->encode_windows(audio)).to(torch::kCPU);
}

/// Takes the next frames of the estimator's pitch.
void FeatureStream::know(const torch::Tensor& f0) {
  const std::int64_t drop = std::min(std::max<std::int64_t>(0, window_start() - f0_start_), f0_.size(0));
  f0_ = torch::cat({f0_.slice(0, drop), f0});
  f0_start_ += drop;
}

torch::Tensor FeatureStream::pitch(std::int64_t first, std::int64_t count) const {
  if (track_) return track_frames(*track_, first, count);
  return pitch_ ? f0_.slice(0, first - f0_start_, first - f0_start_ + count) : torch::zeros({count});
}

/// The frame that the next window begins to hear at.
std::int64_t FeatureStream::window_start() const { return std::max<std::int64_t>(0, window_ * hop_frames - context_frames); }

torch::Tensor FeatureStream::audio_from(std::int64_t begin, std::int64_t end) {
  return torch::from_blob(audio_.data() + (begin - start_), {end - begin});
}

/// The windows whose audio and pitch are there, and which are not the last ones: only when there is more audio than a window needs can that
/// be known.
void FeatureStream::analyse_ready(std::vector<FeatureFrames>& out) {
  std::int64_t ready = (end_ - 1 - context_frames * feature_hop) / (hop_frames * feature_hop);  // windows before that number
  if (pitch_) ready = std::min(ready, (f0_start_ + f0_.size(0) - 1 - context_frames) / hop_frames);
  while (window_ < ready) analyse(window_ == 0 ? 1 : std::min(together_, ready - window_), out);  // the first one is shorter
}

/// The next `count` windows, which are of one length and not the last ones.
void FeatureStream::analyse(std::int64_t count, std::vector<FeatureFrames>& out) {
  std::vector<torch::Tensor> windows;
  for (std::int64_t window = window_; window < window_ + count; ++window)
    windows.push_back(audio_from(std::max<std::int64_t>(0, window * hop_frames - context_frames) * feature_hop,
                                 ((window + 1) * hop_frames + context_frames) * feature_hop));
  const torch::Tensor content = count == 1 ? encode(windows[0]).unsqueeze(0) : encode(torch::stack(windows));
  for (std::int64_t i = 0; i < count; ++i) {
    const torch::Tensor& audio = windows[std::size_t(i)];
    add({content[i], pitch(window_start(), frame_count(audio.size(0))), rms_loudness(audio)}, false, out);
  }
  const std::int64_t keep = window_start() * feature_hop;
  audio_.erase(audio_.begin(), audio_.begin() + std::ptrdiff_t(keep - start_));
  start_ = keep;
}

/// Takes what was heard in the next window.
void FeatureStream::add(FeatureFrames all, bool last, std::vector<FeatureFrames>& out) {
  const std::int64_t core = window_ * hop_frames, border = core + hop_frames;  // frames
  const std::int64_t from = window_start();
  if (pitch_ || track_) all.loudness = lower_background(all.loudness, all.f0, pause_db_);
  const auto cut = [&](const torch::Tensor& x, std::int64_t begin, std::int64_t end) { return x.slice(0, begin - from, end - from); };
  const std::int64_t end = last ? from + all.size() : border + fade_frames;

  torch::Tensor content = cut(all.content, core, end), f0 = cut(all.f0, core, last ? end : border),
                loudness = cut(all.loudness, core, last ? end : border);
  if (tail_.size() > 0) {
    // The last window heard the frames around the border too: fade from its view to this one's.
    const std::int64_t shared = std::min(2 * fade_frames, end - (core - fade_frames));
    const torch::Tensor part = ((torch::arange(shared, torch::kFloat) + 0.5) / double(2 * fade_frames)).unsqueeze(1);
    const torch::Tensor mine = cut(all.content, core - fade_frames, core - fade_frames + shared);
    content =
        torch::cat({tail_.content.slice(0, 0, shared) * (1 - part) + mine * part, cut(all.content, core - fade_frames + shared, end)});
    f0 = torch::cat({tail_.f0, f0});
    loudness = torch::cat({tail_.loudness, loudness});
  }
  if (last) {
    out.push_back({content, f0, loudness});
    return;
  }
  const std::int64_t certain = content.size(0) - 2 * fade_frames;
  out.push_back({content.slice(0, 0, certain), f0.slice(0, 0, certain), loudness.slice(0, 0, certain)});
  tail_ = {content.slice(0, certain).clone(), f0.slice(0, certain).clone(), loudness.slice(0, certain).clone()};
  ++window_;
}

}  // namespace voxconv
