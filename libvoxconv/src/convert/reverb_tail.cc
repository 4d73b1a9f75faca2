#include "convert/reverb_tail.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"

namespace voxconv {
namespace {

constexpr double longest_s = 4;
constexpr std::uint64_t noise_seed = 0x726f6f6d;  // one room sounds the same whatever the voice's seed

/// Impulse response of a room's late part: each band's noise under its decay.
torch::Tensor response(const Reverb& reverb, int rate, std::int64_t index) {
  double decay_s = 0;
  for (const Reverb::Band& band : reverb.bands) decay_s = std::max(decay_s, band.decay_s);
  const auto late = std::int64_t(std::round(Reverb::late_from_s * rate));
  const auto length = std::int64_t(std::ceil(std::min(longest_s, decay_s) * rate));
  std::vector<float> noise(static_cast<std::size_t>(length));
  fill_normal_noise(noise_seed, index << 32, noise);
  const torch::Tensor spectrum = torch::fft::rfft(torch::from_blob(noise.data(), {length}));
  const torch::Tensor time = torch::arange(length, torch::kDouble) / rate;
  // Neighbouring bands cross over; being of one noise, their amplitudes add up to one.
  const torch::Tensor place = (torch::arange(spectrum.size(0), torch::kDouble) * (double(rate) / double(length)))
                                  .clamp_min(1)
                                  .div(Reverb::band_hz[0])
                                  .log2()
                                  .clamp(0, double(reverb.bands.size() - 1));
  torch::Tensor sum = torch::zeros({late + length}, torch::kDouble);
  for (std::size_t b = 0; b < reverb.bands.size(); ++b) {
    const Reverb::Band& band = reverb.bands[b];
    const torch::Tensor share = (1 - (place - double(b)).abs()).clamp_min(0);
    const double fall = 6 * std::log(10) / (band.decay_s * rate);  // of the power, a sample
    sum.narrow(0, late, length)
        .add_(torch::fft::irfft(spectrum * share, length) * torch::exp(time * (-fall * rate / 2)), std::sqrt(band.level * fall));
  }
  return sum.to(torch::kFloat);
}

}  // namespace

ReverbTail::ReverbTail(const Reverb& reverb, int rate, std::size_t channels, std::size_t block)
    : rate_(rate), channels_(channels), block_(block), left_(reverb.left), correlation_(channels == 1 ? 1 : reverb.correlation) {
  const torch::NoGradGuard guard;
  const std::int64_t outputs = correlation_ == 1 ? 1 : 2, size = std::int64_t(block);
  std::vector<torch::Tensor> parts;
  for (std::int64_t k = 0; k < outputs * std::int64_t(channels); ++k) {
    torch::Tensor whole = response(reverb, rate, k);
    const std::int64_t count = (whole.size(0) + size - 1) / size;
    whole = torch::constant_pad_nd(whole, {0, count * size - whole.size(0)});
    parts.push_back(torch::fft::rfft(whole.view({count, size}), 2 * size));
  }
  responses_ = torch::stack(parts, 1).view({parts[0].size(0), outputs, std::int64_t(channels), size + 1});
  carried_ = torch::zeros({outputs, size});
}

AudioBuffer ReverbTail::push(const AudioBuffer& voice) {
  const torch::NoGradGuard guard;
  const std::int64_t size = std::int64_t(block_);
  torch::Tensor samples = torch::zeros({std::int64_t(channels_), size});
  for (std::size_t c = 0; c < channels_; ++c)
    std::copy_n(voice.channels[c].begin(), voice.frames(), samples.data_ptr<float>() + std::int64_t(c) * size);
  spectra_.push_front(torch::fft::rfft(samples, 2 * size));
  if (std::ssize(spectra_) > responses_.size(0)) spectra_.pop_back();
  torch::Tensor sum = torch::zeros({responses_.size(1), size + 1}, torch::kComplexFloat);
  for (std::int64_t part = 0; part < std::ssize(spectra_); ++part)
    sum.add_((responses_[part] * spectra_[std::size_t(part)].unsqueeze(0)).sum(1));
  const torch::Tensor outputs = torch::fft::irfft(sum, 2 * size).contiguous();
  const torch::Tensor now = (outputs.narrow(1, 0, size) + carried_).contiguous();
  carried_ = outputs.narrow(1, size, size).clone();
  AudioBuffer tail(rate_, channels_, voice.frames());
  const float* first = now.const_data_ptr<float>();
  if (channels_ == 1) {
    std::copy_n(first, voice.frames(), tail.channels[0].begin());
    return tail;
  }
  const auto left = float(std::sqrt(left_)), right = float(std::sqrt(1 - left_));
  const auto shared = float(correlation_), own = float(std::sqrt(1 - correlation_ * correlation_));
  const float* second = own > 0 ? first + size : first;
  for (std::size_t i = 0; i < voice.frames(); ++i) {
    tail.channels[0][i] = left * first[i];
    tail.channels[1][i] = right * (shared * first[i] + own * second[i]);
  }
  return tail;
}

}  // namespace voxconv
