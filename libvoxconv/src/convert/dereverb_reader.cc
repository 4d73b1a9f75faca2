#include "convert/dereverb_reader.h"

#include <torch/torch.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "audio/samples.h"

namespace voxconv {
namespace {

constexpr double least_dried_frame_s = 0.032;
constexpr float smoothing = 0.6F;          // share of the newest frame in the power that the gain is taken from
constexpr float taken = 1.5F;              // of the reverberation: single frames of it exceed the mean
constexpr float least_gain = 0.126F;       // -18 dB: below that single tones are left standing
constexpr float least_bin_power = 1e-20F;  // of silence

std::size_t dried_frame(int rate) { return std::bit_ceil(std::size_t(std::max(8.0, least_dried_frame_s * rate))); }

}  // namespace

DereverbReader::DereverbReader(AudioReader& source, const Reverb& reverb)
    : source_(source),
      filter_(source.info().rate, std::size_t(source.info().channels), std::size_t(source.info().channels), dried_frame(source.info().rate),
              [this](const torch::Tensor& spectra) { return dried(spectra); }),
      ready_(source.info().rate, std::size_t(source.info().channels)) {
  const std::size_t frame = dried_frame(source.info().rate), bins = frame / 2 + 1;
  const double rate = source.info().rate, hop_s = double(frame / SpectralFilter::overlap) / rate;
  for (std::size_t k = 0; k < bins; ++k) {
    const Reverb::Band band = reverb.at(double(k) * rate / double(frame));
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

torch::Tensor DereverbReader::dried(const torch::Tensor& spectra) {
  const torch::Tensor power = torch::view_as_real(spectra).square().sum({0, 3}).contiguous();
  torch::Tensor gains = torch::empty_like(power);
  for (std::int64_t t = 0; t < power.size(0); ++t) gains_of(power[t].const_data_ptr<float>(), gains[t].data_ptr<float>());
  return spectra * gains;
}

bool DereverbReader::read(AudioBuffer& out, std::size_t max_frames) {
  AudioBuffer audio;
  while (ready_.empty() && !ended_) {
    ended_ = !source_.read(audio, max_frames);
    ready_ = ended_ ? filter_.finish() : filter_.push(audio);
  }
  out = take_first(ready_, std::min(max_frames, ready_.frames()));
  return !out.empty();
}

}  // namespace voxconv
