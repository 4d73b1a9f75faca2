#include "convert/stem_stream.h"

#include <algorithm>
#include <cmath>

#include "audio/downmix.h"
#include "core/log.h"

namespace voxconv {
namespace {

constexpr double meter_block_s = 0.4, loud_share = 0.1;

void append_frames(AudioBuffer& kept, const AudioBuffer& more) {
  for (std::size_t c = 0; c < kept.channel_count(); ++c)
    kept.channels[c].insert(kept.channels[c].end(), more.channels[c].begin(), more.channels[c].end());
}

}  // namespace

// What a filter of medium quality leaves out of the vocals, above 20 kHz, stays in the music.
StemStream::StemStream(const SeparationModel& model, int rate, int channels)
    : rate_(rate),
      channels_(std::size_t(Separator::stem_channels(channels))),
      to_model_(int(channels_), rate, model.sample_rate(), ResamplerQuality::medium),
      stream_(model.start()),
      from_model_(int(channels_), model.sample_rate(), rate, ResamplerQuality::medium),
      source_(rate, channels_) {}

/// A mono song is the same on both sides.
AudioBuffer StemStream::model_input(const AudioBuffer& resampled) const {
  AudioBuffer stereo = resampled;
  if (channels_ == 1) stereo.channels.push_back(stereo.channels.front());
  return stereo;
}

/// The model's result at the song's rate and channel count.
AudioBuffer StemStream::vocals_of(const AudioBuffer& stereo) { return from_model_.push(channels_ == 1 ? channel_mean(stereo) : stereo); }

Stems StemStream::push(const AudioBuffer& audio) {
  const AudioBuffer song = at_most_stereo(audio);
  append_frames(source_, song);
  return split(vocals_of(stream_->push(model_input(to_model_.push(song)))));
}

Stems StemStream::finish() {
  AudioBuffer vocals = vocals_of(stream_->push(model_input(to_model_.finish())));
  append_frames(vocals, vocals_of(stream_->finish()));
  append_frames(vocals, from_model_.finish());
  // There and back, the length may be off by rounding.
  for (auto& channel : vocals.channels) channel.resize(source_.frames());
  return split(std::move(vocals));
}

Stems StemStream::split(AudioBuffer vocals) {
  const auto count = std::ptrdiff_t(std::min(vocals.frames(), source_.frames()));
  AudioBuffer music(rate_, channels_, std::size_t(count));
  for (std::size_t c = 0; c < channels_; ++c) {
    vocals.channels[c].resize(std::size_t(count));
    std::transform(source_.channels[c].begin(), source_.channels[c].begin() + count, vocals.channels[c].begin(), music.channels[c].begin(),
                   std::minus<>());
    source_.channels[c].erase(source_.channels[c].begin(), source_.channels[c].begin() + count);
  }
  return {std::move(vocals), std::move(music)};
}

StemMeter::StemMeter(int rate, std::size_t channels) : block_(std::size_t(std::max(1.0, meter_block_s * rate))) {
  for (Track* track : {&vocals_, &music_}) track->filters.assign(channels, KWeighting(rate));
}

void StemMeter::add(Track& track, const AudioBuffer& audio) {
  const std::size_t channels = audio.channel_count();
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    for (std::size_t c = 0; c < channels; ++c) {
      peak_ = std::max(peak_, std::abs(audio.channels[c][i]));
      const double x = track.filters[c](audio.channels[c][i]);
      track.sum += x * x;
    }
    if (++track.count < block_) continue;
    const double db = 10 * std::log10(track.sum / double(block_ * channels) + 1e-12);
    ++track.blocks[std::size_t(std::clamp(-db, 0.0, 120.0))];
    track.sum = 0;
    track.count = 0;
  }
}

void StemMeter::push(const Stems& stems) {
  add(vocals_, stems.vocals);
  add(music_, stems.music);
}

/// The level that a tenth of the blocks, and at least one, reach.
double StemMeter::loud_tenth(const Track& track) {
  std::uint64_t all = 0, louder = 0;
  for (const std::uint64_t count : track.blocks) all += count;
  for (std::size_t db = 0; db < track.blocks.size(); ++db)
    if ((louder += track.blocks[db]) > 0 && double(louder) >= loud_share * double(all)) return -double(db);
  return -120;
}

StemLevels StemMeter::levels() const { return {loud_tenth(vocals_), loud_tenth(music_)}; }

double StemMeter::peak_db() const { return 20 * std::log10(std::max(double(peak_), 1e-6)); }

StereoReader::StereoReader(AudioReader& source, const std::string& name) : source_(source), info_(source.info()) {
  info_.channels = Separator::stem_channels(info_.channels);
  if (info_.channels < source.info().channels && !name.empty())
    log_info("{} has {} channels: they are mixed to stereo.", name, source.info().channels);
}

bool StereoReader::read(AudioBuffer& out, std::size_t max_frames) {
  const bool more = source_.read(out, max_frames);
  out = more ? at_most_stereo(out) : AudioBuffer(info_.rate, std::size_t(info_.channels));
  return more;
}

}  // namespace voxconv
