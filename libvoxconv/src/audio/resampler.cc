#include "audio/resampler.h"

#include <samplerate.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "audio/samples.h"
#include "core/fail.h"

namespace voxconv {
namespace {

int converter_type(ResamplerQuality quality) {
  switch (quality) {
    case ResamplerQuality::best: return SRC_SINC_BEST_QUALITY;
    case ResamplerQuality::medium: return SRC_SINC_MEDIUM_QUALITY;
    case ResamplerQuality::fastest: return SRC_SINC_FASTEST;
  }
  return SRC_SINC_BEST_QUALITY;
}

/// round(frames * to / from) without overflow or loss at any length.
std::int64_t scaled_length(std::int64_t frames, std::int64_t to, std::int64_t from) {
  const std::int64_t whole = frames / from, rest = frames % from;
  return whole * to + (2 * rest * to + from) / (2 * from);
}

}  // namespace

struct StreamResampler::State {
  SRC_STATE* src = nullptr;
  std::vector<float> input, output;
  ~State() { src_delete(src); }
};

StreamResampler::StreamResampler(int channels, int from_rate, int to_rate, ResamplerQuality quality)
    : channels_(channels), from_rate_(from_rate), to_rate_(to_rate), state_(std::make_unique<State>()) {
  if (channels < 1) fail(ErrorCode::usage, "Cannot resample {} channels.", channels);
  if (from_rate < 1 || to_rate < 1 || !src_is_valid_ratio(double(to_rate) / from_rate))
    fail(ErrorCode::usage, "Cannot resample from {} Hz to {} Hz: the ratio must lie within 1/256 and 256.", from_rate, to_rate);
  if (from_rate == to_rate) return;
  int error = 0;
  state_->src = src_new(converter_type(quality), channels, &error);
  if (!state_->src) throw std::bad_alloc();
}

StreamResampler::~StreamResampler() = default;
StreamResampler::StreamResampler(StreamResampler&&) noexcept = default;
StreamResampler& StreamResampler::operator=(StreamResampler&&) noexcept = default;

void StreamResampler::feed(const float* interleaved, std::size_t frames, std::vector<float>& out) {
  const double ratio = double(to_rate_) / from_rate_;
  std::vector<float>& block = state_->output;
  block.resize(std::size_t(channels_) * 4096);
  while (true) {
    SRC_DATA data{};
    data.data_in = interleaved;
    data.input_frames = long(frames);
    data.data_out = block.data();
    data.output_frames = 4096;
    data.src_ratio = ratio;
    // The end is never announced: finish() feeds silence instead, which makes the length exact.
    data.end_of_input = 0;
    if (const int error = src_process(state_->src, &data)) fail(ErrorCode::internal, "The resampler failed: {}.", src_strerror(error));
    out.insert(out.end(), block.begin(), block.begin() + data.output_frames_gen * channels_);
    interleaved += data.input_frames_used * channels_;
    frames -= std::size_t(data.input_frames_used);
    if (frames == 0 && data.output_frames_gen < data.output_frames) return;
  }
}

AudioBuffer StreamResampler::emit(const std::vector<float>& interleaved, std::int64_t frames) {
  AudioBuffer out(to_rate_, std::size_t(channels_), std::size_t(frames));
  deinterleave(interleaved.data(), std::size_t(frames), out);
  frames_out_ += frames;
  return out;
}

AudioBuffer StreamResampler::push(const AudioBuffer& audio) {
  if (audio.rate != from_rate_ || audio.channel_count() != std::size_t(channels_))
    fail(ErrorCode::usage, "The resampler was made for {} channels at {} Hz and got {} channels at {} Hz.", channels_, from_rate_,
         audio.channel_count(), audio.rate);
  if (!state_->src) return audio;
  frames_in_ += std::int64_t(audio.frames());
  std::vector<float> out;
  for (std::size_t begin = 0; begin < audio.frames(); begin += max_block_frames) {
    const std::size_t end = std::min(audio.frames(), begin + max_block_frames);
    interleave(audio, begin, end, state_->input);
    feed(state_->input.data(), end - begin, out);
  }
  return emit(out, std::int64_t(out.size()) / channels_);
}

AudioBuffer StreamResampler::finish() {
  if (!state_->src) return AudioBuffer(to_rate_, std::size_t(channels_));
  // The filter's look-ahead keeps the stream behind its exact length until now.
  const std::int64_t wanted = scaled_length(frames_in_, to_rate_, from_rate_) - frames_out_;
  constexpr std::size_t silence = 512;
  const std::vector<float> zeros(silence * std::size_t(channels_));
  std::vector<float> out;
  while (std::int64_t(out.size()) < wanted * channels_) feed(zeros.data(), silence, out);
  src_reset(state_->src);
  AudioBuffer rest = emit(out, std::max<std::int64_t>(wanted, 0));
  frames_in_ = frames_out_ = 0;
  return rest;
}

AudioBuffer resample(const AudioBuffer& audio, int to_rate, ResamplerQuality quality) {
  if (audio.rate == to_rate || audio.channel_count() == 0) {
    AudioBuffer same = audio;
    same.rate = to_rate;
    return same;
  }
  StreamResampler resampler(int(audio.channel_count()), audio.rate, to_rate, quality);
  AudioBuffer out = resampler.push(audio);
  const AudioBuffer rest = resampler.finish();
  for (std::size_t c = 0; c < out.channel_count(); ++c)
    out.channels[c].insert(out.channels[c].end(), rest.channels[c].begin(), rest.channels[c].end());
  return out;
}

}  // namespace voxconv
