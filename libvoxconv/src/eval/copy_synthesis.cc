#include "eval/copy_synthesis.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"
#include "models/native/config.h"
#include "models/native/envelope.h"
#include "models/native/source.h"

namespace voxconv::eval {
namespace {

using native::hop;
using native::VocoderImpl;

constexpr std::int64_t block_frames = 500;
constexpr std::int64_t envelope_reach = (native::fft_size / 2 + hop - 1) / hop;  ///< frames whose samples an envelope is made from

/// Envelopes of the frames from .. to of a whole sound.
torch::Tensor envelope_of(const torch::Tensor& audio, const torch::Tensor& f0, std::int64_t from, std::int64_t to) {
  const std::int64_t before = std::max<std::int64_t>(0, from - envelope_reach);
  const torch::Tensor part = audio.slice(0, before * hop, std::min(audio.size(0), (to + envelope_reach) * hop));
  return native::analyse_envelope(part, f0.slice(0, before, to)).slice(0, from - before);
}

}  // namespace

torch::Tensor copy_synthesis(native::Vocoder vocoder, const torch::Tensor& audio, std::span<const float> f0, std::uint64_t seed,
                             torch::Device device, const CancelToken& cancel) {
  const torch::NoGradGuard guard;
  const std::int64_t frames = std::min<std::int64_t>(std::ssize(f0), (audio.size(0) + hop - 1) / hop);
  if (frames == 0) return torch::zeros({audio.size(0)});
  const torch::Tensor pitch = torch::tensor(at::ArrayRef<float>(f0.data(), std::size_t(frames)));
  const auto [pulses, phase] = native::render_pulses(pitch.unsqueeze(0), {0.0});
  torch::Tensor noise = torch::empty({1, frames * hop});
  fill_uniform_noise(seed, 0, {noise.data_ptr<float>(), std::size_t(noise.numel())});
  noise *= std::sqrt(3.0);  // variance 1

  torch::Tensor result = torch::zeros({std::max(audio.size(0), frames * hop)});
  for (std::int64_t begin = 0; begin < frames; begin += block_frames) {
    cancel.check();
    const std::int64_t end = std::min(frames, begin + block_frames);
    // The frames that sound in the block, and those that their filters depend on.
    const std::int64_t sound_from = std::max<std::int64_t>(0, begin - VocoderImpl::ring),
                       sound_to = std::min(frames, end + VocoderImpl::ring);
    const std::int64_t from = std::max<std::int64_t>(0, sound_from - VocoderImpl::reach),
                       to = std::min(frames, sound_to + VocoderImpl::reach);
    const torch::Tensor envelope = envelope_of(audio, pitch, from, to).unsqueeze(0).to(device);
    const auto filters = vocoder->filters(envelope, pitch.slice(0, from, to).unsqueeze(0).to(device));
    const auto part = [&](const torch::Tensor& x) { return x.slice(1, sound_from * hop, sound_to * hop).to(device); };
    const torch::Tensor sound =
        vocoder->synthesize(filters.slice(sound_from - from, sound_to - from), {part(pulses), part(phase), part(noise)});
    result.slice(0, begin * hop, end * hop) = sound[0].slice(0, (begin - sound_from) * hop, (end - sound_from) * hop).cpu();
  }
  return result.slice(0, 0, audio.size(0));
}

}  // namespace voxconv::eval
