#include "convert/denoise_reader.h"

#include <algorithm>
#include <utility>

namespace voxconv {
namespace {

AudioBuffer one_channel_of(int rate, std::vector<float> samples) {
  AudioBuffer mono(rate, 0);
  mono.channels.push_back(std::move(samples));
  return mono;
}

void append_samples(std::vector<float>& kept, const AudioBuffer& mono) {
  kept.insert(kept.end(), mono.channels[0].begin(), mono.channels[0].end());
}

}  // namespace

DenoisingReader::DenoisingReader(AudioReader& source, std::shared_ptr<const Denoiser> denoiser, double limit_db) : source_(source) {
  const AudioInfo& info = source.info();
  for (int c = 0; c < info.channels; ++c)
    channels_.push_back({StreamResampler(1, info.rate, Denoiser::sample_rate, ResamplerQuality::medium),
                         DenoiseStream(denoiser, limit_db),
                         StreamResampler(1, Denoiser::sample_rate, info.rate, ResamplerQuality::medium),
                         {}});
}

void DenoisingReader::take(const AudioBuffer& audio) {
  frames_in_ += audio.frames();
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    Channel& channel = channels_[c];
    const AudioBuffer in = channel.to_denoiser.push(one_channel_of(audio.rate, audio.channels[c]));
    append_samples(channel.kept, channel.from_denoiser.push(one_channel_of(Denoiser::sample_rate, channel.stream.push(in.channels[0]))));
  }
}

void DenoisingReader::finish() {
  for (Channel& channel : channels_) {
    const auto pass_on = [&](std::vector<float> samples) {
      append_samples(channel.kept, channel.from_denoiser.push(one_channel_of(Denoiser::sample_rate, std::move(samples))));
    };
    pass_on(channel.stream.push(channel.to_denoiser.finish().channels[0]));
    pass_on(channel.stream.finish());
    append_samples(channel.kept, channel.from_denoiser.finish());
    channel.kept.resize(frames_in_ - frames_out_);  // there and back, the length may be off by rounding
  }
}

bool DenoisingReader::read(AudioBuffer& out, std::size_t max_frames) {
  AudioBuffer audio;
  while (!ended_ && channels_[0].kept.empty()) {
    ended_ = !source_.read(audio, max_frames);
    if (ended_)
      finish();
    else
      take(audio);
  }
  const std::size_t count = std::min(max_frames, channels_[0].kept.size());
  out = AudioBuffer(info().rate, 0);
  for (Channel& channel : channels_) {
    const auto end = channel.kept.begin() + std::ptrdiff_t(count);
    out.channels.emplace_back(channel.kept.begin(), end);
    channel.kept.erase(channel.kept.begin(), end);
  }
  frames_out_ += count;
  return count > 0;
}

}  // namespace voxconv
