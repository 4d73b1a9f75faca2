#include "models/rvc/formant_clock.h"

#include <cmath>

#include "nn/device.h"

namespace voxconv::rvc {

FormantClock::FormantClock(double semitones, int sample_rate)
    : sample_rate_(sample_rate), decoder_rate_(static_cast<int>(std::lround(std::exp2(semitones / 12) * sample_rate))) {}

std::int64_t FormantClock::decoder_frames(std::int64_t frames, bool last) const {
  if (!shifts()) return frames;
  if (last) return static_cast<std::int64_t>(std::ceil(static_cast<double>(frames) * ratio()));
  // Frame u lies between two of the song's frames, the later one of which must be there: (u + 0.5) / ratio - 0.5 <= frames - 1.
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor((static_cast<double>(frames) - 0.5) * ratio() - 0.5)) + 1);
}

std::int64_t FormantClock::song_frame(std::int64_t frame) const {
  if (!shifts()) return frame;
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor((static_cast<double>(frame) + 0.5) / ratio() - 0.5)));
}

/// Where in the song, in frames, the centres of the decoder's frames lie.
torch::Tensor FormantClock::places(std::int64_t first, std::int64_t last, std::int64_t end) const {
  const torch::Tensor u = torch::arange(first, last, torch::kDouble);
  return ((u + 0.5) / ratio() - 0.5).clamp(0, static_cast<double>(end - 1));
}

torch::Tensor FormantClock::latent(const FrameBuffer& latent, std::int64_t first, std::int64_t last) const {
  if (!shifts()) return latent.get(first, last);
  const torch::Tensor all = latent.get(latent.begin(), latent.end()), place = places(first, last, latent.end());
  const torch::Tensor before = place.floor(), after = (before + 1).clamp_max(static_cast<double>(latent.end() - 1));
  const auto at = [&](const torch::Tensor& frames) {
    return all.index_select(1, nn::send((frames - static_cast<double>(latent.begin())).to(torch::kLong), all.device()));
  };
  return torch::lerp(at(before), at(after), nn::send((place - before).to(all.scalar_type()), all.device()));
}

torch::Tensor FormantClock::pitch(const FrameBuffer& f0, std::int64_t first, std::int64_t last) const {
  if (!shifts()) return f0.get(first, last);
  const torch::Tensor all = f0.get(f0.begin(), f0.end());
  const torch::Tensor nearest = (places(first, last, f0.end()) + 0.5).floor().clamp_max(static_cast<double>(f0.end() - 1));
  return all.index_select(0, nn::send((nearest - static_cast<double>(f0.begin())).to(torch::kLong), all.device())) / ratio();
}

}  // namespace voxconv::rvc
