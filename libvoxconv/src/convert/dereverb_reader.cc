#include "convert/dereverb_reader.h"

#include <torch/torch.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace voxconv {
namespace {

constexpr double least_dried_frame_s = 0.032;
constexpr std::size_t frame_overlap = 4, dried_frames = 32;
constexpr float smoothing = 0.6F;          // share of the newest frame in the power that the gain is taken from
constexpr float taken = 1.5F;              // of the reverberation: single frames of it exceed the mean
constexpr float least_gain = 0.126F;       // -18 dB: below that single tones are left standing
constexpr float least_bin_power = 1e-20F;  // of silence

}  // namespace

DereverbReader::DereverbReader(AudioReader& source, const Reverb& reverb)
    : source_(source),
      channels_(std::size_t(source.info().channels)),
      frame_(std::bit_ceil(std::size_t(std::max(8.0, least_dried_frame_s * source.info().rate)))),
      hop_(frame_ / frame_overlap),
      waiting_(channels_, std::vector<float>(frame_ - hop_)),
      overlap_(channels_, std::vector<float>(frame_)),
      ready_(channels_),
      skipped_(frame_ - hop_) {
  const double rate = source.info().rate, hop_s = double(hop_) / rate;
  // Root of a Hann window before and after: with hops of a quarter the squares add up to 2.
  for (std::size_t i = 0; i < frame_; ++i) window_.push_back(float(std::sin(M_PI * double(i) / double(frame_)) / M_SQRT2));
  const std::size_t bins = frame_ / 2 + 1;
  for (std::size_t k = 0; k < bins; ++k) {
    const Reverb::Band band = reverb.at(double(k) * rate / double(frame_));
    const double kept = std::pow(10, -6 * hop_s / band.decay_s);
    kept_.push_back(float(kept));
    feed_.push_back(float(band.level * (1 - kept) / kept));
  }
  power_.assign(bins, 0);
  late_.assign(bins, 0);
  const double delay = std::max(1.0, std::round(Reverb::late_from_s / hop_s));
  direct_.assign(std::size_t(delay), std::vector<float>(bins));
}

void DereverbReader::gains_of(const float* power, float* gains) {
  std::vector<float>& oldest = direct_[oldest_];
  oldest_ = (oldest_ + 1) % direct_.size();
  for (std::size_t k = 0; k < power_.size(); ++k) {
    power_[k] += smoothing * (power[k] - power_[k]);
    late_[k] = kept_[k] * (late_[k] + feed_[k] * oldest[k]);
    oldest[k] = std::max(0.0F, power_[k] - late_[k]);
    gains[k] = std::sqrt(std::max(least_gain * least_gain, 1 - taken * late_[k] / (power_[k] + least_bin_power)));
  }
}

/// A batch of frames; batches have one size, so that nothing depends on how the source is read.
void DereverbReader::process() {
  const torch::NoGradGuard guard;
  const std::int64_t size = std::int64_t((dried_frames - 1) * hop_ + frame_), frame = std::int64_t(frame_);
  const torch::Tensor window = torch::from_blob(window_.data(), {frame});
  std::vector<torch::Tensor> spectra;
  torch::Tensor power;
  for (auto& samples : waiting_) {
    spectra.push_back(torch::fft::rfft(torch::from_blob(samples.data(), {size}).unfold(0, frame, std::int64_t(hop_)) * window));
    const torch::Tensor own = torch::view_as_real(spectra.back()).square().sum(2);
    power = power.defined() ? power + own : own.contiguous();
  }
  torch::Tensor gains = torch::empty_like(power);
  for (std::size_t t = 0; t < dried_frames; ++t)
    gains_of(power.const_data_ptr<float>() + t * power_.size(), gains.data_ptr<float>() + t * power_.size());
  for (std::size_t c = 0; c < channels_; ++c) {
    const torch::Tensor pieces = (torch::fft::irfft(spectra[c] * gains, frame) * window).contiguous();
    const float* piece = pieces.const_data_ptr<float>();
    std::vector<float>& sums = overlap_[c];
    for (std::size_t t = 0; t < dried_frames; ++t, piece += frame_) {
      for (std::size_t i = 0; i < frame_; ++i) sums[i] += piece[i];
      ready_[c].insert(ready_[c].end(), sums.begin(), sums.begin() + std::ptrdiff_t(hop_));
      std::shift_left(sums.begin(), sums.end(), std::ptrdiff_t(hop_));
      std::fill(sums.end() - std::ptrdiff_t(hop_), sums.end(), 0.0F);
    }
    const std::size_t early = std::min(skipped_, ready_[c].size());
    ready_[c].erase(ready_[c].begin(), ready_[c].begin() + std::ptrdiff_t(early));
    waiting_[c].erase(waiting_[c].begin(), waiting_[c].begin() + std::ptrdiff_t(dried_frames * hop_));
  }
  skipped_ -= std::min(skipped_, dried_frames * hop_);
}

bool DereverbReader::read(AudioBuffer& out, std::size_t max_frames) {
  const std::size_t needed = (dried_frames - 1) * hop_ + frame_;
  AudioBuffer audio;
  while (ready_[0].empty() && frames_out_ < frames_in_ + (ended_ ? 0 : 1)) {
    if (!ended_ && waiting_[0].size() < needed) {
      ended_ = !source_.read(audio, needed - waiting_[0].size());
      if (ended_) continue;
      frames_in_ += audio.frames();
      for (std::size_t c = 0; c < channels_; ++c) waiting_[c].insert(waiting_[c].end(), audio.channels[c].begin(), audio.channels[c].end());
      continue;
    }
    for (auto& channel : waiting_) channel.resize(std::max(needed, channel.size()));
    process();
  }
  const std::size_t there = ended_ ? std::min(ready_[0].size(), frames_in_ - frames_out_) : ready_[0].size();
  const std::size_t count = std::min(max_frames, there);
  out = AudioBuffer(info().rate, 0);
  for (auto& channel : ready_) {
    const auto end = channel.begin() + std::ptrdiff_t(count);
    out.channels.emplace_back(channel.begin(), end);
    channel.erase(channel.begin(), end);
  }
  frames_out_ += count;
  return count > 0;
}

}  // namespace voxconv
