#include "convert/cover_mix.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "audio/samples.h"
#include "convert/sum_reader.h"

namespace voxconv {
namespace {

constexpr double cover_block_s = 0.1;
constexpr std::ptrdiff_t loudness_reach = 15;        // blocks to each side
constexpr double most_gain = 4, least_power = 1e-9;  // 12 dB; -90 dBFS

/// Weight of the block `distance` away: a Hann window.
double loudness_weight(std::ptrdiff_t distance) {
  return 0.5 + 0.5 * std::cos(std::numbers::pi * double(distance) / double(loudness_reach + 1));
}

std::size_t cover_block(int rate) { return std::size_t(std::max(1.0, cover_block_s * rate)); }

template <typename Operation>
void combine(AudioBuffer& into, const AudioBuffer& other, Operation operation) {
  for (std::size_t c = 0; c < into.channel_count(); ++c)
    std::ranges::transform(into.channels[c], other.channels[c], into.channels[c].begin(), operation);
}

std::vector<double> weighted(KWeighting& filter, const std::vector<float>& samples) {
  std::vector<double> out(samples.size());
  std::ranges::transform(samples, out.begin(), [&](float sample) { return filter(sample); });
  return out;
}

double mean_product(const std::vector<double>& x, const std::vector<double>& y) {
  return x.empty() ? 0 : std::inner_product(x.begin(), x.end(), y.begin(), 0.0) / double(x.size());
}

Products mean_products(const std::vector<double>& x, const std::vector<double>& y) {
  return {mean_product(x, x), mean_product(y, y), mean_product(x, y)};
}

void write_stem(AudioWriter* writer, const AudioBuffer& audio) {
  if (writer) writer->write(audio);
}

}  // namespace

ShiftedSong::ShiftedSong(AudioReader& song, AudioReader& vocals, double semitones)
    : song_(song),
      vocals_(vocals),
      shift_(song.info().channels, song.info().rate, semitones),
      waiting_vocals_(song.info().rate, std::size_t(song.info().channels)),
      ready_(waiting_vocals_) {}

bool ShiftedSong::read(AudioBuffer& out, std::size_t max_frames) {
  while (ready_.empty() && !ended_) {
    const std::size_t wanted = cover_block(song_.info().rate);
    AudioBuffer music = read_exactly(song_, wanted);
    ended_ = music.frames() < wanted;
    AudioBuffer vocals = read_exactly(vocals_, music.frames());
    for (auto& channel : vocals.channels) channel.resize(music.frames());
    combine(music, vocals, std::minus<>());
    append(waiting_vocals_, vocals);
    AudioBuffer shifted = shift_.push(music);
    if (ended_) append(shifted, shift_.finish());
    combine(shifted, take_first(waiting_vocals_, shifted.frames()), std::plus<>());
    append(ready_, shifted);
  }
  out = take_first(ready_, std::min(max_frames, ready_.frames()));
  return !out.empty();
}

CoverMix::CoverMix(AudioReader& song, AudioReader* vocals, int converted_rate, const CoverGains& gains, const CoverTargets& targets,
                   const CoverReverb& reverb, const CoverBacking& backing)
    : song_(song),
      vocals_(vocals),
      dry_(reverb.dry),
      backing_(backing),
      gains_(gains),
      targets_(targets),
      rate_(song.info().rate),
      channels_(std::size_t(song.info().channels)),
      block_(cover_block(rate_)),
      converted_rate_(converted_rate),
      vocal_filters_(channels_, KWeighting(rate_)),
      converted_filters_(channels_, KWeighting(rate_)),
      decorrelator_(rate_),
      copy_filter_(rate_),
      to_cover_rate_(int(channels_), rate_, targets.rate),
      limiter_(int(channels_), targets.rate) {
  if (reverb.reverb) tail_.emplace(*reverb.reverb, rate_, channels_, block_);
}

void CoverMix::take(const AudioBuffer& converted) {
  if (converted_.channels.empty()) converted_ = AudioBuffer(rate_, converted.channel_count());
  append(converted_, converted);
}

void CoverMix::write(const AudioBuffer& converted) {
  if (!to_song_rate_) to_song_rate_ = std::make_unique<StreamResampler>(int(converted.channel_count()), converted_rate_, rate_);
  take(to_song_rate_->push(converted));
  advance(false);
}

void CoverMix::finish() {
  if (to_song_rate_) take(to_song_rate_->finish());
  advance(true);
  if (!targets_.cover) return;
  const auto write_limited = [&](const AudioBuffer& audio) {
    if (!audio.empty()) targets_.cover->write(audio);
  };
  write_limited(limiter_.push(to_cover_rate_.finish()));
  write_limited(limiter_.finish());
}

void CoverMix::finish_targets() {
  for (AudioWriter* writer :
       {targets_.vocals, targets_.converted, targets_.backing, targets_.converted_backing, targets_.music, targets_.cover})
    if (writer) writer->finish();
}

void CoverMix::advance(bool last) {
  while (!song_ended_ && read_block(last)) {
    // The gain at a block's end needs the one behind it, and that as many as it looks ahead.
    while (std::ssize(blocks_) > next_ + loudness_reach + 1) mix_first();
  }
  if (last)
    while (next_ < std::ssize(blocks_)) mix_first();
}

/// The next block, if its converted vocals are there; after the last ones there is silence.
bool CoverMix::read_block(bool last) {
  if (!last && converted_.frames() < block_) return false;
  Block block;
  block.song = read_exactly(song_, block_);
  song_ended_ = block.song.frames() < block_;
  if (block.song.empty()) return false;
  block.vocals = vocals_ ? read_exactly(*vocals_, block.song.frames()) : block.song;
  AudioBuffer dry = dry_ ? read_exactly(*dry_, block.song.frames()) : block.vocals;
  block.converted = AudioBuffer(rate_, channels_, block.song.frames());
  block.backing = block.converted_backing = block.converted;
  if (backing_.own) {
    block.backing = read_exactly(*backing_.own, block.song.frames());
    block.converted_backing = read_exactly(*backing_.converted, block.song.frames());
  }
  std::vector<std::vector<double>> vocals, converted;
  for (std::size_t c = 0; c < channels_; ++c) {
    block.vocals.channels[c].resize(block.song.frames());
    dry.channels[c].resize(block.song.frames());
    block.backing.channels[c].resize(block.song.frames());
    block.converted_backing.channels[c].resize(block.song.frames());
    if (!converted_.channels.empty()) {
      const std::vector<float>& from = converted_.channels[converted_.channel_count() == 1 ? 0 : c];
      std::copy_n(from.begin(), std::min(from.size(), block.song.frames()), block.converted.channels[c].begin());
    }
    vocals.push_back(weighted(vocal_filters_[c], dry.channels[c]));
    converted.push_back(weighted(converted_filters_[c], block.converted.channels[c]));
    block.vocal_power.push_back(mean_product(vocals[c], vocals[c]));
    block.converted_power.push_back(mean_product(converted[c], converted[c]));
  }
  if (channels_ == 2 && converted_.channel_count() == 1) {
    std::ranges::transform(block.converted.channels[0], std::back_inserter(block.copy), std::ref(decorrelator_));
    block.vocal_products = mean_products(vocals[0], vocals[1]);
    block.copy_products = mean_products(converted[0], weighted(copy_filter_, block.copy));
  }
  for (auto& channel : converted_.channels)
    channel.erase(channel.begin(), channel.begin() + std::ptrdiff_t(std::min(channel.size(), block.song.frames())));
  blocks_.push_back(std::move(block));
  return true;
}

/// What brings the converted vocals to the loudness of the song's, per channel, and to their width, in the middle of a block.
std::vector<WidthGain> CoverMix::gains_of(std::ptrdiff_t block) const {
  const std::ptrdiff_t first = std::max<std::ptrdiff_t>(0, block - loudness_reach),
                       last = std::min(std::ssize(blocks_) - 1, block + loudness_reach);
  std::vector<WidthGain> gains;
  for (std::size_t c = 0; c < channels_; ++c) {
    double wanted = 0, there = least_power;
    for (std::ptrdiff_t k = first; k <= last; ++k) {
      wanted += loudness_weight(k - block) * blocks_[std::size_t(k)].vocal_power[c];
      there += loudness_weight(k - block) * blocks_[std::size_t(k)].converted_power[c];
    }
    gains.push_back({std::min(most_gain, std::sqrt(wanted / there)), 0});
  }
  if (blocks_[std::size_t(block)].copy.empty()) return gains;
  Products wanted, made;
  for (std::ptrdiff_t k = first; k <= last; ++k) {
    wanted.add(blocks_[std::size_t(k)].vocal_products, loudness_weight(k - block));
    made.add(blocks_[std::size_t(k)].copy_products, loudness_weight(k - block));
  }
  const auto wide = width_gains(wanted, made, gains[0].voice, gains[1].voice);
  return {wide.begin(), wide.end()};
}

void CoverMix::mix_first() {
  const Block& block = blocks_[std::size_t(next_)];
  const std::vector<WidthGain> middle = gains_of(next_);
  std::vector<WidthGain> end = next_ + 1 < std::ssize(blocks_) ? gains_of(next_ + 1) : middle;
  for (std::size_t c = 0; c < channels_; ++c) end[c] = {(middle[c].voice + end[c].voice) / 2, (middle[c].copy + end[c].copy) / 2};
  const std::vector<WidthGain> begin = gains_before_.empty() ? middle : gains_before_;
  AudioBuffer mixed(rate_, channels_, block.song.frames()), music = mixed, converted = mixed;
  for (std::size_t c = 0; c < channels_; ++c)
    for (std::size_t i = 0; i < mixed.frames(); ++i) {
      const double at = 2 * (double(i) + 0.5) / double(mixed.frames());
      const auto gain = [&](double WidthGain::*part) {
        return at < 1 ? begin[c].*part + (middle[c].*part - begin[c].*part) * at
                      : middle[c].*part + (end[c].*part - middle[c].*part) * (at - 1);
      };
      converted.channels[c][i] = float(gain(&WidthGain::voice)) * block.converted.channels[c][i];
      if (!block.copy.empty()) converted.channels[c][i] += float(gain(&WidthGain::copy)) * block.copy[i];
    }
  if (tail_) combine(converted, tail_->push(converted), std::plus<>());
  for (std::size_t c = 0; c < channels_; ++c)
    for (std::size_t i = 0; i < mixed.frames(); ++i) {
      const float vocal = block.vocals.channels[c][i], backing = block.backing.channels[c][i];
      music.channels[c][i] = block.song.channels[c][i] - vocal - backing;
      const auto sung = [&](float by_voice, float own) { return gains_.wet * by_voice + (gains_.wet == 1 ? 0 : (1 - gains_.wet) * own); };
      const float voice = sung(converted.channels[c][i], vocal) + gains_.backing * sung(block.converted_backing.channels[c][i], backing);
      mixed.channels[c][i] = gains_.whole * (gains_.music * music.channels[c][i] + gains_.vocals * voice);
    }
  gains_before_ = end;
  write_stem(targets_.vocals, block.vocals);
  write_stem(targets_.converted, converted);
  write_stem(targets_.music, music);
  write_stem(targets_.backing, block.backing);
  write_stem(targets_.converted_backing, block.converted_backing);
  if (targets_.cover)
    if (const AudioBuffer safe = limiter_.push(to_cover_rate_.push(mixed)); !safe.empty()) targets_.cover->write(safe);
  if (next_ < loudness_reach) {
    ++next_;
  } else {
    blocks_.pop_front();
  }
}

}  // namespace voxconv
