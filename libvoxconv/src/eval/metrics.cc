#include "eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "features/loudness.h"

namespace voxconv::eval {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t least_voiced = 10;  // frames, below which a correlation says nothing
constexpr double least_spread = 1e-6;     // octaves: a melody that does not move
constexpr double audible_range_db = 40;
constexpr double agreement_cents = 50;

double median(std::vector<double> values) {
  if (values.empty()) return nan;
  const std::size_t half = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(half), values.end());
  if (values.size() % 2 == 1) return values[half];
  return (values[half] + *std::max_element(values.begin(), values.begin() + std::ptrdiff_t(half))) / 2;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double n = double(a.size());
  double mean_a = 0, mean_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) mean_a += a[i] / n, mean_b += b[i] / n;
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    aa += (a[i] - mean_a) * (a[i] - mean_a) / n;
    bb += (b[i] - mean_b) * (b[i] - mean_b) / n;
    ab += (a[i] - mean_a) * (b[i] - mean_b) / n;
  }
  if (std::sqrt(aa) < least_spread || std::sqrt(bb) < least_spread) return nan;
  return ab / std::sqrt(aa * bb);
}

}  // namespace

PitchError pitch_error(std::span<const float> source, std::span<const float> result, double key) {
  std::vector<double> wanted, got, error;  // octaves; cents
  for (std::size_t i = 0; i < std::min(source.size(), result.size()); ++i) {
    if (source[i] <= 0 || result[i] <= 0) continue;
    wanted.push_back(std::log2(double(source[i])) + key / 12);
    got.push_back(std::log2(double(result[i])));
    error.push_back(std::abs(got.back() - wanted.back()) * 1200);
  }
  return {wanted.size() < least_voiced ? nan : correlation(wanted, got), median(std::move(error))};
}

std::vector<float> agreed_pitch(std::span<const float> first, std::span<const float> second) {
  std::vector<float> agreed(std::min(first.size(), second.size()), 0);
  for (std::size_t i = 0; i < agreed.size(); ++i)
    if (first[i] > 0 && second[i] > 0 && std::abs(std::log2(double(second[i]) / first[i])) * 1200 <= agreement_cents) agreed[i] = first[i];
  return agreed;
}

double pitch_agreement(std::span<const float> first_of_source, std::span<const float> agreed_of_source,
                       std::span<const float> first_of_result, std::span<const float> agreed_of_result) {
  int voiced = 0, agreed = 0;
  for (std::size_t i = 0; i < std::min(agreed_of_source.size(), agreed_of_result.size()); ++i) {
    if (first_of_source[i] <= 0 || first_of_result[i] <= 0) continue;
    ++voiced;
    if (agreed_of_source[i] > 0 && agreed_of_result[i] > 0) ++agreed;
  }
  return voiced > 0 ? double(agreed) / voiced : nan;
}

double loudness_error_db(const torch::Tensor& source, const torch::Tensor& result) {
  const std::int64_t frames = std::min(source.size(0), result.size(0));
  if (frames == 0) return nan;
  const torch::Tensor a = source.slice(0, 0, frames).to(torch::kDouble) * db_per_neper;
  const torch::Tensor difference = result.slice(0, 0, frames).to(torch::kDouble) * db_per_neper - a;
  const torch::Tensor heard = difference.masked_select(a > a.max() - audible_range_db);
  return (heard - heard.median()).abs().mean().item<double>();
}

double cosine(const torch::Tensor& a, const torch::Tensor& b) {
  const double norms = a.norm().item<double>() * b.norm().item<double>();
  return norms > 0 ? torch::dot(a.flatten(), b.flatten()).item<double>() / norms : nan;
}

}  // namespace voxconv::eval
