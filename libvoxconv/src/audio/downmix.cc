#include "audio/downmix.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

namespace voxconv {
namespace {

constexpr double energy_block_s = 0.1, smoothing_s = 3;
constexpr double lowest_hz = 300;  // what lies below says little about where the voice is
constexpr double lean = 0.25;      // towards the sum, as a share of the whole power
constexpr double silence = 1e-12;  // power of a block, summed over the smoothing
constexpr int power_iterations = 24;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<double> product(const std::vector<double>& matrix, const std::vector<double>& x) {
  std::vector<double> result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < x.size(); ++j) result[i] += matrix[i * x.size() + j] * x[j];
  return result;
}

}  // namespace

StreamDownmix::StreamDownmix(std::size_t channels, int rate)
    : channels_(channels),
      block_(std::size_t(std::max(1.0, energy_block_s * rate))),
      rate_(rate),
      pole_(std::exp(-2 * std::numbers::pi * lowest_hz / rate)),
      keep_(std::exp(-energy_block_s / smoothing_s)),
      filters_(2 * channels),
      covariance_(channels * channels),
      waiting_(channels) {}

/// Takes frames [begin, end) of what waits, a block or the last part of one, into the covariance; returns the weights that it then gives,
/// of the sign that goes on from the last ones.
std::vector<double> StreamDownmix::measure(std::size_t begin, std::size_t end) {
  for (double& value : covariance_) value *= keep_;
  std::vector<double> sums(covariance_.size()), frame(channels_);
  for (std::size_t n = begin; n < end; ++n) {
    for (std::size_t c = 0; c < channels_; ++c) {
      double sample = waiting_[c][n];
      for (std::size_t stage = 2 * c; stage < 2 * c + 2; ++stage) {
        FilterMemory& memory = filters_[stage];
        memory.out += sample - memory.in + (pole_ - 1) * memory.out;
        memory.in = sample;
        sample = memory.out;
      }
      frame[c] = sample;
    }
    for (std::size_t i = 0; i < channels_; ++i)
      for (std::size_t j = 0; j <= i; ++j) sums[i * channels_ + j] += frame[i] * frame[j];
  }
  for (std::size_t i = 0; i < channels_; ++i)
    for (std::size_t j = 0; j < channels_; ++j)
      covariance_[i * channels_ + j] += sums[std::max(i, j) * channels_ + std::min(i, j)] / double(block_);
  std::vector<double> weights = principal_weights();
  const double direction = weights_.empty() ? std::accumulate(weights.begin(), weights.end(), 0.0) : dot(weights, weights_);
  if (direction < 0)
    for (double& weight : weights) weight = -weight;
  return weights;
}

/// The weights for the covariance as it is now; of either sign, as the axis has none.
std::vector<double> StreamDownmix::principal_weights() const {
  const double count = double(channels_);
  double power = 0, squares = 0;
  std::size_t loudest = 0;
  for (std::size_t c = 0; c < channels_; ++c) {
    const double own = covariance_[c * (channels_ + 1)];
    power += own;
    squares += own * own;
    if (own > covariance_[loudest * (channels_ + 1)]) loudest = c;
  }
  if (power < silence) return std::vector<double>(channels_, 1 / count);
  std::vector<double> leaning = covariance_;
  for (double& value : leaning) value += lean * power / count;
  std::vector<double> axis(leaning.begin() + std::ptrdiff_t(loudest * channels_),
                           leaning.begin() + std::ptrdiff_t((loudest + 1) * channels_));
  for (int i = 0; i < power_iterations; ++i) {
    axis = product(leaning, axis);
    const double length = std::sqrt(dot(axis, axis));
    for (double& weight : axis) weight /= length;
  }
  const double gain = std::sqrt(squares / power / dot(axis, product(covariance_, axis)));
  for (double& weight : axis) weight *= gain;
  return axis;
}

AudioBuffer StreamDownmix::push(const AudioBuffer& audio) {
  if (channels_ == 1) return audio;
  for (std::size_t c = 0; c < channels_; ++c) waiting_[c].insert(waiting_[c].end(), audio.channels[c].begin(), audio.channels[c].end());
  return emit(false);
}

AudioBuffer StreamDownmix::finish() {
  if (channels_ == 1) return AudioBuffer(rate_, 1);
  return emit(true);
}

AudioBuffer StreamDownmix::emit(bool last) {
  AudioBuffer mono(rate_, 1);
  const std::size_t count = waiting_[0].size();
  std::size_t done = 0;
  // A block goes out when the one behind it is there, whose weights it ends with.
  while (last ? done < count : done + 2 * block_ <= count) {
    const std::size_t end = std::min(done + block_, count);
    if (weights_.empty()) weights_ = measure(done, end);
    const std::vector<double> next = end < count ? measure(end, std::min(end + block_, count)) : weights_;
    for (std::size_t n = done; n < end; ++n) {
      const double part = double(n - done) / double(block_);
      double sum = 0;
      for (std::size_t c = 0; c < channels_; ++c) sum += (weights_[c] + (next[c] - weights_[c]) * part) * waiting_[c][n];
      mono.channels[0].push_back(float(sum));
    }
    weights_ = next;
    done = end;
  }
  for (auto& channel : waiting_) channel.erase(channel.begin(), channel.begin() + std::ptrdiff_t(done));
  return mono;
}

DownmixReader::DownmixReader(AudioReader& source)
    : source_(source), info_(source.info()), downmix_(std::size_t(info_.channels), info_.rate), kept_(info_.rate, 1) {
  info_.channels = 1;
}

bool DownmixReader::read(AudioBuffer& out, std::size_t max_frames) {
  AudioBuffer audio;
  while (!ended_ && kept_.empty()) {
    ended_ = !source_.read(audio, max_frames);
    kept_ = ended_ ? downmix_.finish() : downmix_.push(audio);
  }
  std::vector<float>& kept = kept_.channels[0];
  const auto end = kept.begin() + std::ptrdiff_t(std::min(max_frames, kept.size()));
  out = AudioBuffer(info_.rate, 0);
  out.channels.emplace_back(kept.begin(), end);
  kept.erase(kept.begin(), end);
  return !out.empty();
}

AudioBuffer at_most_stereo(const AudioBuffer& audio) {
  const std::size_t count = audio.channel_count();
  if (count <= 2) return audio;
  enum Place { left, right, centre, bass, left_surround, right_surround, back };
  static const std::map<std::size_t, std::vector<Place>> layouts{
      {3, {left, right, centre}},
      {4, {left, right, left_surround, right_surround}},
      {5, {left, right, centre, left_surround, right_surround}},
      {6, {left, right, centre, bass, left_surround, right_surround}},
      {7, {left, right, centre, bass, back, left_surround, right_surround}},
      {8, {left, right, centre, bass, left_surround, right_surround, left_surround, right_surround}}};
  const auto layout = layouts.find(count);
  const double lower = std::sqrt(0.5);
  std::vector<std::array<double, 2>> weights;
  double sum = 0;
  for (std::size_t c = 0; c < count; ++c) {
    switch (layout == layouts.end() ? (c % 2 == 0 ? left : right) : layout->second[c]) {
      case left: weights.push_back({1, 0}); break;
      case right: weights.push_back({0, 1}); break;
      case left_surround: weights.push_back({lower, 0}); break;
      case right_surround: weights.push_back({0, lower}); break;
      case centre:
      case back: weights.push_back({lower, lower}); break;
      case bass: weights.push_back({0, 0}); break;
    }
    sum += weights.back()[0];
  }
  AudioBuffer stereo(audio.rate, 2, audio.frames());
  for (std::size_t side = 0; side < 2; ++side)
    for (std::size_t c = 0; c < count; ++c)
      for (std::size_t i = 0; i < audio.frames(); ++i) stereo.channels[side][i] += float(weights[c][side] / sum) * audio.channels[c][i];
  return stereo;
}

AudioBuffer channel_mean(const AudioBuffer& audio) {
  if (audio.channel_count() == 1) return audio;
  AudioBuffer mono(audio.rate, 1, audio.frames());
  for (const std::vector<float>& channel : audio.channels)
    for (std::size_t i = 0; i < channel.size(); ++i) mono.channels[0][i] += channel[i] / float(audio.channel_count());
  return mono;
}

}  // namespace voxconv
