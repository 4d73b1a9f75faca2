#include "models/rvc/rvc_stream.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "core/random.h"
#include "nn/device.h"

namespace voxconv::rvc {
namespace {

constexpr std::int64_t piece_frames = PriorStream::window_frames;  ///< a long push is taken in pieces, which bounds the memory

/// Numbers from N(0, 1) for rows [first, first + rows) of a table of `width` columns.
torch::Tensor normal_rows(std::uint64_t seed, std::int64_t first, std::int64_t rows, std::int64_t width) {
  torch::Tensor noise = torch::empty({rows, width});
  fill_normal_noise(seed, first * width, {noise.data_ptr<float>(), static_cast<std::size_t>(noise.numel())});
  return noise;
}

}  // namespace

RvcStream::RvcStream(std::shared_ptr<const Synthesizer> synthesizer, const SynthesisOptions& options)
    : synthesizer_(std::move(synthesizer)),
      seed_(2 * options.seed),  // and the next one, for the excitation
      speaker_(synthesizer_->speaker(options.speaker)),
      hop_(synthesizer_->config().hop()),
      clock_(options.formant, synthesizer_->config().sample_rate),
      priors_(*synthesizer_, 1 / clock_.ratio()) {
  if (clock_.shifts()) resampler_.emplace(1, clock_.decoder_rate(), synthesizer_->config().sample_rate, ResamplerQuality::medium);
}

VoiceWindows RvcStream::windows(const Synthesizer& synthesizer, double formant) {
  // Of the decoder's frames there are `ratio` in one of the song.
  const FormantClock clock(formant, synthesizer.config().sample_rate);
  const auto decoder = std::int64_t(std::ceil(double(synthesizer.decoder().context_frames()) / clock.ratio()));
  const std::int64_t interpolation = clock.shifts() ? 2 : 0;  // frames of latent and of the resampler
  return {PriorStream::windows(), PriorStream::half_fade + synthesizer.flow_context_frames() + decoder + interpolation};
}

std::vector<float> RvcStream::push(const FeatureFrames& frames, bool last) {
  const torch::NoGradGuard guard;
  // Audio stays on the device until all work of this push is given to it: only then does this thread wait.
  std::vector<torch::Tensor> audio;
  const std::int64_t count = frames.content.defined() ? frames.content.size(0) : 0;
  std::int64_t taken = 0;
  do {
    const std::int64_t until = std::min(taken + piece_frames, count);
    if (until > taken)
      append(frames.content.slice(0, taken, until), frames.f0.defined() ? frames.f0.slice(0, taken, until) : torch::Tensor());
    taken = until;
    const bool end = last && taken == count;
    for (Prior prior; priors_.next(end, prior);) {
      const bool final = end && priors_.exhausted();
      flow(prior, final);
      audio.push_back(decode(final));
    }
  } while (taken < count);
  std::vector<float> out;
  for (const torch::Tensor& part : audio)
    if (part.defined()) emit(part, last && &part == &audio.back(), out);
  return out;
}

void RvcStream::append(const torch::Tensor& content, const torch::Tensor& f0) {
  const bool sings_pitch = synthesizer_->config().f0;
  const torch::Tensor pitch = sings_pitch ? f0.to(torch::kCPU, torch::kFloat) : torch::Tensor();
  priors_.append(nn::send(content.to(torch::kFloat), synthesizer_->device()), pitch);
  if (sings_pitch) f0_.append(pitch);
  frames_ += content.size(0);
}

void RvcStream::flow(const Prior& prior, bool last) {
  const torch::Tensor noise = nn::send(normal_rows(seed_, drawn_.end(), prior.mean.size(1), prior.mean.size(0)).t(), prior.mean.device());
  drawn_.append(prior.mean + prior.log_deviation.exp() * noise * prior_temperature);
  const std::int64_t context = synthesizer_->flow_context_frames(), done = latent_.end();
  const std::int64_t until = last ? drawn_.end() : drawn_.end() - context, from = std::max<std::int64_t>(0, done - context);
  if (until <= done) return;
  latent_.append(synthesizer_->flow(drawn_.get(from, drawn_.end()), speaker_).slice(1, done - from, until - from));
  drawn_.drop_before(until - context);
}

void RvcStream::extend_excitation(std::int64_t until, bool last) {
  const Decoder& decoder = synthesizer_->decoder();
  const std::int64_t done = excitation_.end() / hop_;
  const torch::Tensor f0 = clock_.pitch(f0_, done, last ? until : until + 1);
  const torch::Tensor noise = normal_rows(seed_ + 1, done * hop_, (until - done) * hop_, decoder.partials());
  excitation_.append(decoder.excite(f0, noise, phase_));
  f0_.drop_before(clock_.song_frame(until));
}

/// The samples that can be had now; undefined where there are none.
torch::Tensor RvcStream::decode(bool last) {
  const Decoder& decoder = synthesizer_->decoder();
  const std::int64_t context = decoder.context_frames(), end = clock_.decoder_frames(latent_.end(), last);
  const std::int64_t until = last ? end : end - context, from = std::max<std::int64_t>(0, decoded_ - context);
  if (until <= decoded_) return {};
  torch::Tensor excitation;
  if (decoder.partials() > 0) {
    extend_excitation(end, last);
    excitation = nn::send(excitation_.get(from * hop_, end * hop_), synthesizer_->device());
  }
  const torch::Tensor audio = decoder.decode_part(clock_.latent(latent_, from, end), excitation, speaker_, decoded_ - from, until - from);
  decoded_ = until;
  latent_.drop_before(clock_.song_frame(until - context));
  excitation_.drop_before((until - context) * hop_);
  return audio;
}

void RvcStream::emit(const torch::Tensor& audio, bool last, std::vector<float>& out) {
  const torch::Tensor samples = audio.to(torch::kCPU, torch::kFloat).contiguous();
  const float* data = samples.data_ptr<float>();
  if (!resampler_) {
    out.insert(out.end(), data, data + samples.numel());
    return;
  }
  AudioBuffer buffer(clock_.decoder_rate(), 1);
  buffer.channels[0].assign(data, data + samples.numel());
  const auto add = [&](const AudioBuffer& more) {
    const std::vector<float>& samples_out = more.channels[0];
    const auto count = std::min(static_cast<std::int64_t>(samples_out.size()), frames_ * hop_ - samples_);
    out.insert(out.end(), samples_out.begin(), samples_out.begin() + count);
    samples_ += count;
  };
  add(resampler_->push(buffer));
  if (last) add(resampler_->finish());
}

}  // namespace voxconv::rvc
