#include "convert/stereo_width.h"

#include <algorithm>
#include <cmath>

namespace voxconv {
namespace {

constexpr std::array section_delays_ms{1.31, 2.03, 3.07, 4.73};  // no two have a simple ratio: their echoes do not fall together
constexpr float section_gain = 0.55F;
constexpr double correlation_slack = 1e-4;  // between channels that differ by rounding, or by what a separator leaves
constexpr double least_product = 1e-9;      // -90 dBFS: below there is no image to be measured
constexpr double most_copy = 4;             // where voice and copy nearly agree, as for one steady sine

}  // namespace

Decorrelator::Decorrelator(int rate) {
  for (std::size_t s = 0; s < sections_.size(); ++s)
    sections_[s].line.resize(std::size_t(std::max(1.0, std::round(section_delays_ms[s] * 1e-3 * rate))));
}

float Decorrelator::operator()(float sample) {
  for (Section& section : sections_) {  // y[n] = -g x[n] + x[n-D] + g y[n-D]
    float& delayed = section.line[section.at];
    const float out = delayed - section_gain * sample;
    delayed = sample + section_gain * out;
    section.at = section.at + 1 == section.line.size() ? 0 : section.at + 1;
    sample = out;
  }
  return sample;
}

std::array<WidthGain, 2> width_gains(const Products& wanted, const Products& made, double left, double right) {
  const double level = std::sqrt(wanted.xx * wanted.yy);
  const double correlation = std::clamp((wanted.xy + least_product) / (level + least_product) + correlation_slack, -1.0, 1.0);
  if (correlation == 1) return {{{left, 0}, {right, 0}}};
  // The copy less what it has of the voice, as loud as the voice.
  const double shared = made.xy / (made.xx + least_product);
  const double rest = std::max(0.0, made.yy - shared * made.xy);
  const double scale = std::min(most_copy, std::sqrt((made.xx + least_product) / (rest + least_product)));
  const double half = std::acos(correlation) / 2;
  const double turn = std::atan2(std::sin(half) * (right - left), std::cos(half) * (right + left));
  const auto gain = [&](double channel, double angle) {
    const double copy = channel * std::sin(angle) * scale;
    return WidthGain{channel * std::cos(angle) - copy * shared, copy};
  };
  return {gain(left, half + turn), gain(right, turn - half)};
}

}  // namespace voxconv
