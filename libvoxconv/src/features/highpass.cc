#include "features/highpass.h"

#include <algorithm>

namespace voxconv {
namespace {

constexpr std::size_t order = 5;
using Memory = std::array<double, order>;
// scipy.signal.butter(N=5, Wn=48, btype="high", fs=16000).
constexpr std::array<double, order + 1> b = {0.9699606451838447, -4.849803225919223, 9.699606451838447,
                                             -9.699606451838447, 4.849803225919223,  -0.9699606451838447};
constexpr std::array<double, order + 1> a = {
    1.0, -4.939001819168364, 9.757863526739543, -9.639544849413458, 4.761506797356209, -0.9408236532054606};
constexpr std::size_t extension_samples = 18;  // scipy's 3 * max(len(a), len(b))

/// One sample through the filter (transposed direct form II, as scipy's lfilter).
double step(Memory& memory, double x) {
  const double y = b[0] * x + memory[0];
  for (std::size_t i = 0; i + 1 < order; ++i) memory[i] = b[i + 1] * x + memory[i + 1] - a[i + 1] * y;
  memory[order - 1] = b[order] * x - a[order] * y;
  return y;
}

/// The filter's memory after a constant input `x` of infinite length, when it gives 0 (scipy's lfilter_zi finds it by an equation, to seven
/// digits).
Memory settled(double x) {
  Memory memory{};
  double sum = 0;
  for (std::size_t i = order; i > 0; --i) memory[i - 1] = (sum += b[i]) * x;
  return memory;
}

/// Backwards over `samples`, in place.
void backward(std::span<double> samples) {
  if (samples.empty()) return;
  Memory memory = settled(samples.back());
  for (auto sample = samples.rbegin(); sample != samples.rend(); ++sample) *sample = step(memory, *sample);
}

/// How far the ends are extended: they are turned about the end point, so they must be there.
std::size_t extension_of(std::size_t length) { return std::min(extension_samples, length - 1); }

}  // namespace

std::vector<double> highpass(std::span<const double> audio) {
  if (audio.empty()) return {};
  const std::size_t more = extension_of(audio.size());
  std::vector<double> extended;
  extended.reserve(audio.size() + 2 * more);
  for (std::size_t i = more; i > 0; --i) extended.push_back(2 * audio.front() - audio[i]);
  extended.insert(extended.end(), audio.begin(), audio.end());
  for (std::size_t i = 1; i <= more; ++i) extended.push_back(2 * audio.back() - audio[audio.size() - 1 - i]);
  Memory memory = settled(extended.front());
  for (double& sample : extended) sample = step(memory, sample);
  backward(extended);
  return {extended.begin() + std::ptrdiff_t(more), extended.end() - std::ptrdiff_t(more)};
}

void StreamHighpass::forward(double sample) { once_.push_back(step(memory_, sample)); }

std::vector<float> StreamHighpass::push(std::span<const float> audio) {
  if (audio.empty()) return {};
  if (!started_) {
    head_.insert(head_.end(), audio.begin(), audio.end());
    if (head_.size() <= extension_samples) return {};
    started_ = true;
    memory_ = settled(2 * head_.front() - head_[extension_samples]);
    for (std::size_t i = extension_samples; i > 0; --i) step(memory_, 2 * head_.front() - head_[i]);
    for (const double sample : head_) forward(sample);
    recent_ = std::move(head_);
  } else {
    for (const float sample : audio) forward(sample);
    recent_.insert(recent_.end(), audio.begin(), audio.end());
  }
  if (recent_.size() > extension_samples + 1) recent_.erase(recent_.begin(), recent_.end() - std::ptrdiff_t(extension_samples + 1));
  std::vector<float> out;
  while (once_.size() >= block + lookahead) {  // at fixed places, so that the cut into pushes changes nothing at all
    const std::vector<float> more = take(block, block + lookahead);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

/// `count` samples, of a run backwards over the first `input_count`.
std::vector<float> StreamHighpass::take(std::size_t count, std::size_t input_count) {
  std::vector<double> twice(once_.begin(), once_.begin() + std::ptrdiff_t(input_count));
  backward(twice);
  once_.erase(once_.begin(), once_.begin() + std::ptrdiff_t(count));
  return {twice.begin(), twice.begin() + std::ptrdiff_t(count)};
}

std::vector<float> StreamHighpass::finish() {
  if (!started_) {
    const std::vector<double> all = highpass(head_);
    return {all.begin(), all.end()};
  }
  const std::size_t count = once_.size();
  for (std::size_t i = 1; i <= extension_samples; ++i) forward(2 * recent_.back() - recent_[extension_samples - i]);
  return take(count, once_.size());
}

}  // namespace voxconv
