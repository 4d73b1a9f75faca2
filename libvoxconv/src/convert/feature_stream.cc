#include "convert/feature_stream.h"

#include <algorithm>
#include <cmath>

#include "core/stage_clock.h"
#include "features/loudness.h"
#include "features/voice_activity.h"

namespace voxconv {
namespace {

constexpr std::int64_t border_frames = 7;
constexpr double most_between_words_db = 10;  // consonants are not to be lost
constexpr double db_per_neper = 8.685889638;

/// Loudness [T] without the background: `db` lower in pauses, and, where nothing has a pitch, by spectral subtraction's rule (Boll 1979)
/// applied to the level, so that the noise between words is not sung either. Borders are faded.
torch::Tensor lower_background(const torch::Tensor& loudness, const torch::Tensor& f0, double db) {
  const double most = db / db_per_neper, between_words = std::min(db, most_between_words_db) / db_per_neper;
  const torch::Tensor noise_share = (2 * (noise_loudness(loudness) - loudness)).exp();  // of a frame's power
  const torch::Tensor noise = -0.5 * (1 - noise_share).clamp_min(std::exp(-2 * between_words)).log();
  const torch::Tensor in_phrases = torch::where(f0 > 0, torch::zeros_like(noise), noise);
  const torch::Tensor pause = torch::logical_not(voice_activity(loudness, f0));
  const torch::Tensor less = torch::where(pause, torch::full_like(noise, most), in_phrases).view({1, 1, -1});
  return loudness - torch::avg_pool1d(less, border_frames, 1, border_frames / 2, false, false).view(-1);
}

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
    : content_(std::move(content)), f0_(std::move(f0)), track_(track), pause_db_(pause_db), together_(together) {}

FeatureFrames FeatureStream::push(std::span<const float> audio) {
  audio_.insert(audio_.end(), audio.begin(), audio.end());
  end_ += std::int64_t(audio.size());
  std::vector<FeatureFrames> out;
  // Only when more audio than a window needs is there can it be known not to be the last one.
  const std::int64_t ready = (end_ - 1 - context_frames * feature_hop) / (hop_frames * feature_hop);  // windows before that number
  while (window_ < ready) analyse(window_ == 0 ? 1 : std::min(together_, ready - window_), out);      // the first one is shorter
  return join(out);
}

FeatureFrames FeatureStream::finish() {
  std::vector<FeatureFrames> out;
  if (end_ > 0) analyse_last(out);
  return join(out);
}

/// Of the samples of one window [N], or of several [B, N].
torch::Tensor FeatureStream::encode(const torch::Tensor& audio) const {
  const StageScope stage(Stage::content);
  return (audio.dim() == 1 ? content_->encode(audio) : content_->encode_windows(audio)).to(torch::kCPU);
}

torch::Tensor FeatureStream::pitch(const torch::Tensor& audio) const {
  const StageScope stage(Stage::f0);
  if (f0_) return (audio.dim() == 1 ? f0_->estimate(audio) : f0_->estimate_windows(audio)).hz.to(torch::kCPU);
  std::vector<std::int64_t> shape = audio.sizes().vec();
  shape.back() = frame_count(shape.back());
  return torch::zeros(shape);
}

/// The frames of one window. The pitch comes first: its networks take the most memory, and content is large.
FeatureFrames FeatureStream::hear(const torch::Tensor& audio) const {
  const torch::Tensor f0 = pitch(audio);
  return {encode(audio), f0, rms_loudness(audio)};
}

torch::Tensor FeatureStream::audio_from(std::int64_t begin, std::int64_t end) {
  return torch::from_blob(audio_.data() + (begin - start_), {end - begin});
}

/// The next `count` windows, which are of one length and not the last ones.
void FeatureStream::analyse(std::int64_t count, std::vector<FeatureFrames>& out) {
  std::vector<torch::Tensor> windows;
  for (std::int64_t window = window_; window < window_ + count; ++window)
    windows.push_back(audio_from(std::max<std::int64_t>(0, window * hop_frames - context_frames) * feature_hop,
                                 ((window + 1) * hop_frames + context_frames) * feature_hop));
  if (count == 1) {
    add(hear(windows[0]), false, out);
  } else {
    const torch::Tensor audio = torch::stack(windows), f0 = pitch(audio), content = encode(audio);
    for (std::int64_t i = 0; i < count; ++i) add({content[i], f0[i], rms_loudness(audio[i])}, false, out);
  }
  const std::int64_t keep = std::max<std::int64_t>(0, window_ * hop_frames - context_frames) * feature_hop;
  audio_.erase(audio_.begin(), audio_.begin() + std::ptrdiff_t(keep - start_));
  start_ = keep;
}

void FeatureStream::analyse_last(std::vector<FeatureFrames>& out) {
  const torch::Tensor audio = audio_from(std::max<std::int64_t>(0, window_ * hop_frames - context_frames) * feature_hop, end_);
  add(hear(audio), true, out);
}

/// Takes what was heard in the next window.
void FeatureStream::add(FeatureFrames all, bool last, std::vector<FeatureFrames>& out) {
  const std::int64_t core = window_ * hop_frames, border = core + hop_frames;  // frames
  const std::int64_t from = std::max<std::int64_t>(0, core - context_frames);
  if (track_) all.f0 = track_frames(*track_, from, all.size());
  if ((f0_ || track_) && pause_db_ > 0) all.loudness = lower_background(all.loudness, all.f0, pause_db_);
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
