#include "convert/stem_stream.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "audio/downmix.h"
#include "audio/samples.h"
#include "core/log.h"

namespace voxconv {
namespace {

// How stems are measured. A pause is 25 dB and more below what a tenth of the song reaches.
constexpr double short_block_s = 0.1, loud_share = 0.1, lasting_share = 0.4, heard_below_loud_db = 25;

std::vector<std::string> with_vocals(const std::vector<std::string>& parts) {
  std::vector<std::string> stems{vocals_stem};
  stems.insert(stems.end(), parts.begin(), parts.end());
  return stems;
}

}  // namespace

// What a filter of medium quality leaves out of the vocals, above 20 kHz, stays in the music.
StemStream::StemStream(const SeparationModel& model, int rate, int channels, const std::vector<std::string>& parts)
    : rate_(rate),
      channels_(std::size_t(Separator::stem_channels(channels))),
      to_model_(int(channels_), rate, model.sample_rate(), ResamplerQuality::medium),
      stream_(model.start(with_vocals(parts))),
      from_model_(int(channels_ * (1 + parts.size())), model.sample_rate(), rate, ResamplerQuality::medium),
      source_(rate, channels_) {}

/// A mono song is the same on both sides.
AudioBuffer StemStream::model_input(const AudioBuffer& resampled) const {
  AudioBuffer stereo = resampled;
  if (channels_ == 1) stereo.channels.push_back(stereo.channels.front());
  return stereo;
}

/// The model's result as one sound, with the song's channel count for each stem.
AudioBuffer StemStream::side_by_side(const std::vector<AudioBuffer>& stems) const {
  AudioBuffer all(stems.front().rate, 0);
  for (const AudioBuffer& stem : stems) {
    const AudioBuffer kept = channels_ == 1 ? channel_mean(stem) : stem;
    all.channels.insert(all.channels.end(), kept.channels.begin(), kept.channels.end());
  }
  return all;
}

Stems StemStream::push(const AudioBuffer& audio) {
  const AudioBuffer song = at_most_stereo(audio);
  append(source_, song);
  return split(from_model_.push(side_by_side(stream_->push(model_input(to_model_.push(song))))));
}

Stems StemStream::finish() {
  AudioBuffer stems = from_model_.push(side_by_side(stream_->push(model_input(to_model_.finish()))));
  append(stems, from_model_.push(side_by_side(stream_->finish())));
  append(stems, from_model_.finish());
  // There and back, the length may be off by rounding.
  for (auto& channel : stems.channels) channel.resize(source_.frames());
  return split(std::move(stems));
}

Stems StemStream::split(AudioBuffer stems) {
  const std::size_t count = std::min(stems.frames(), source_.frames());
  AudioBuffer music = take_first(source_, count);
  std::vector<AudioBuffer> found(stems.channel_count() / channels_, AudioBuffer(rate_, channels_));
  for (std::size_t i = 0; i < stems.channel_count(); ++i) {
    stems.channels[i].resize(count);
    found[i / channels_].channels[i % channels_] = std::move(stems.channels[i]);
  }
  for (std::size_t c = 0; c < channels_; ++c)
    std::ranges::transform(music.channels[c], found.front().channels[c], music.channels[c].begin(), std::minus<>());
  AudioBuffer vocals = std::move(found.front());
  found.erase(found.begin());
  return {std::move(vocals), std::move(music), std::move(found)};
}

StemMeter::StemMeter(int rate, std::size_t channels) : channels_(channels), short_block_(std::size_t(std::max(1.0, short_block_s * rate))) {
  for (Track* track : {&vocals_, &music_}) track->filters.assign(channels, KWeighting(rate));
}

void StemMeter::push(const Stems& stems) {
  const auto add = [&](Track& track, const AudioBuffer& audio, std::size_t i) {
    for (std::size_t c = 0; c < channels_; ++c) {
      peak_ = std::max(peak_, std::abs(audio.channels[c][i]));
      const double x = track.filters[c](audio.channels[c][i]);
      track.now += x * x;
    }
  };
  for (std::size_t i = 0; i < stems.vocals.frames(); ++i) {
    add(vocals_, stems.vocals, i);
    add(music_, stems.music, i);
    if (++samples_ == short_block_) end_short_block();
  }
  for (const AudioBuffer& part : stems.parts)
    for (const auto& channel : part.channels)
      for (const float x : channel) peak_ = std::max(peak_, std::abs(x));
}

std::size_t StemMeter::level_of(double mean_power) {
  return std::size_t(std::clamp(-10 * std::log10(mean_power + 1e-12), 0.0, double(levels_kept - 1)));
}

void StemMeter::end_short_block() {
  const double values = double(samples_ * channels_);
  ++music_by_whole_[level_of((vocals_.now + music_.now) / values)][level_of(music_.now / values)];
  const bool end_long = ++short_blocks_ == shorts_of_long;
  for (Track* track : {&vocals_, &music_}) {
    track->sum += std::exchange(track->now, 0);
    if (end_long) ++track->blocks[level_of(std::exchange(track->sum, 0) / (shorts_of_long * values))];
  }
  samples_ = 0;
  if (end_long) short_blocks_ = 0;
}

/// The level that a share of the blocks, and at least one, reach.
double StemMeter::reached(const Histogram& blocks, double share) {
  const double wanted = share * double(std::accumulate(blocks.begin(), blocks.end(), std::uint64_t{0}));
  std::uint64_t louder = 0;
  for (std::size_t db = 0; db < blocks.size(); ++db)
    if ((louder += blocks[db]) > 0 && double(louder) >= wanted) return -double(db);
  return -120;
}

double StemMeter::lasting_music() const {
  Histogram whole;
  for (const Histogram& music : music_by_whole_) whole.push_back(std::accumulate(music.begin(), music.end(), std::uint64_t{0}));
  const auto heard = std::min(levels_kept, std::size_t(heard_below_loud_db - reached(whole, loud_share)));
  Histogram music(levels_kept);
  for (std::size_t db = 0; db < heard; ++db) std::ranges::transform(music, music_by_whole_[db], music.begin(), std::plus<>());
  return reached(music, lasting_share);
}

StemLevels StemMeter::levels() const {
  if (std::ranges::any_of(vocals_.blocks, [](std::uint64_t count) { return count > 0; }))
    return {reached(vocals_.blocks, loud_share), reached(music_.blocks, loud_share), lasting_music()};
  // Nothing is as long as a block: all there is counts as one.
  const double values = double(std::max<std::size_t>(1, (short_blocks_ * short_block_ + samples_) * channels_));
  const double vocals = -double(level_of((vocals_.sum + vocals_.now) / values)),
               music = -double(level_of((music_.sum + music_.now) / values));
  return {vocals, music, music};
}

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
