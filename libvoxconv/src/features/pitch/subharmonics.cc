#include "features/pitch/subharmonics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "features/frames.h"

namespace voxconv {
namespace {

constexpr std::int64_t window_samples = 1024, fft_size = 2048;
constexpr double bin_hz = double(feature_rate) / fft_size;
constexpr std::int64_t frames_at_once = 128;
constexpr double top_hz = 4000;
constexpr std::int64_t least_multiples = 4;
constexpr std::size_t most_odd = 6;
constexpr double nearness = 0.15;    // of the pitch: a multiple's peak is looked for within
constexpr double inaudible_db = 40;  // below the strongest even multiple there is nothing to compare
constexpr double weak_db = -8;       // of odd multiples: as likely right as an octave low
constexpr double most_evidence_db = 6, nats_per_db = 0.5;
constexpr double jump_nats = 0.005;            // per cent, up to an octave
constexpr std::int64_t contour_frames = 4;     // either side: half a window and what a glide stretches it by
constexpr double another_note_octaves = 0.25;  // from frame to frame: more is no glide

/// Octaves by which the pitch around frame `t` differs from its own, of the frames t - contour_frames to t + contour_frames. Octave jumps
/// of the estimate are left out; beyond the note the pitch stays.
using Contour = std::array<double, 2 * contour_frames + 1>;
Contour contour_around(const float* hz, std::int64_t count, std::int64_t t) {
  Contour contour{};
  for (const std::int64_t direction : {-1, 1}) {
    double octaves = 0;
    bool note = true;
    for (std::int64_t step = 1; step <= contour_frames; ++step) {
      const std::int64_t near = t + direction * (step - 1), far = near + direction;
      note = note && far >= 0 && far < count && hz[far] > 0;
      if (note) {
        const double move = std::log2(double(hz[far]) / hz[near]), glide = move - std::round(move);
        note = std::abs(glide) < another_note_octaves;
        if (note) octaves += glide;
      }
      contour[std::size_t(contour_frames + direction * step)] = octaves;
    }
  }
  return contour;
}

/// The samples around `centre`, read faster where the pitch is lower, so that it is the same all through the window: the upper harmonics of
/// a glide would else lie across each other. [window_samples]
void read_at_constant_pitch(const float* centre, const Contour& contour, float* window) {
  constexpr double furthest = contour_frames * feature_hop - 1;
  const auto octaves = [&](double position) {
    const double frame = position / feature_hop + contour_frames;
    const auto i = std::min(std::size_t(frame), contour.size() - 2);
    return contour[i] + (frame - double(i)) * (contour[i + 1] - contour[i]);
  };
  for (const int direction : {-1, 1}) {
    double position = 0;
    for (std::int64_t i = direction < 0 ? 1 : 0; i < window_samples / 2 + (direction < 0 ? 1 : 0); ++i) {
      if (i > 0) position = std::clamp(position + direction * std::exp2(-octaves(position)), -furthest, furthest);
      const double whole = std::floor(position);
      const float* sample = centre + std::int64_t(whole);
      window[window_samples / 2 + direction * i] = float(sample[0] + (position - whole) * (sample[1] - sample[0]));
    }
  }
}

/// Of one frame: `spectrum` holds magnitudes.
double odd_multiples_db(const float* spectrum, double hz) {
  const auto count = std::int64_t(top_hz / hz);
  if (count < least_multiples) return 0;
  const auto level = [&](std::int64_t multiple) {
    const auto low = std::int64_t(std::llround((double(multiple) - nearness) * hz / bin_hz));
    const auto high = std::int64_t(std::llround((double(multiple) + nearness) * hz / bin_hz));
    return 20 * std::log10(double(*std::max_element(spectrum + low, spectrum + high + 1)) + 1e-7);
  };
  std::vector<double> levels{0};  // from multiple 1
  double strongest = -INFINITY;
  for (std::int64_t k = 1; k <= count; ++k) {
    levels.push_back(level(k));
    if (k % 2 == 0) strongest = std::max(strongest, levels.back());
  }
  std::vector<double> odd;
  for (std::size_t k = 1; k + 1 < levels.size() && odd.size() < most_odd; k += 2) {
    const double below = k > 1 ? levels[k - 1] : levels[k + 1], above = levels[k + 1];
    if (std::max(below, above) > strongest - inaudible_db) odd.push_back(levels[k] - (below + above) / 2);
  }
  if (odd.empty()) return 0;
  std::nth_element(odd.begin(), odd.begin() + std::ptrdiff_t(odd.size() / 2), odd.end());
  return odd[odd.size() / 2];
}

/// One run of frames with a pitch: which of them to raise. `evidence`: nats for an octave low.
std::vector<bool> frames_to_raise(const std::vector<double>& cents, const std::vector<double>& evidence, double highest_cents) {
  constexpr double octave = 1200;
  std::vector<std::array<int, 2>> from(cents.size());
  std::array<double, 2> cost{};
  for (std::size_t t = 0; t < cents.size(); ++t) {
    std::array<double, 2> next;
    for (int raised = 0; raised < 2; ++raised) {
      double best = t == 0 ? 0 : INFINITY;
      for (int before = 0; t > 0 && before < 2; ++before) {
        const double jump = std::min(std::abs(cents[t] + raised * octave - cents[t - 1] - before * octave), octave);
        if (cost[std::size_t(before)] + jump_nats * jump < best) {
          best = cost[std::size_t(before)] + jump_nats * jump;
          from[t][std::size_t(raised)] = before;
        }
      }
      const bool possible = !raised || cents[t] + octave <= highest_cents;
      next[std::size_t(raised)] = possible ? best + std::max(0.0, raised ? -evidence[t] : evidence[t]) : INFINITY;
    }
    cost = next;
  }
  std::vector<bool> raise(cents.size());
  int state = cost[1] < cost[0];
  for (std::size_t t = cents.size(); t-- > 0; state = from[t][std::size_t(state)]) raise[t] = state == 1;
  return raise;
}

}  // namespace

torch::Tensor odd_multiples_db(const torch::Tensor& audio, const torch::Tensor& hz) {
  const torch::NoGradGuard guard;
  const torch::Tensor pitch = hz.to(torch::kCPU, torch::kFloat).contiguous();
  const std::int64_t count = pitch.size(0);
  torch::Tensor result = torch::zeros({count});
  if (count == 0 || !(pitch > 0).any().item<bool>()) return result;
  const torch::Tensor signal = audio.to(torch::kCPU, torch::kFloat);
  constexpr std::int64_t margin = contour_frames * feature_hop;
  const torch::Tensor padded =
      torch::constant_pad_nd(signal, {margin, std::max<std::int64_t>(0, (count - 1) * feature_hop + margin + 1 - signal.size(0))});
  const torch::Tensor shape = torch::hann_window(window_samples);
  const float* f0 = pitch.data_ptr<float>();
  for (std::int64_t begin = 0; begin < count; begin += frames_at_once) {
    const std::int64_t end = std::min(begin + frames_at_once, count);
    torch::Tensor windows = torch::zeros({end - begin, window_samples});
    for (std::int64_t t = begin; t < end; ++t)
      if (f0[t] > 0)
        read_at_constant_pitch(padded.data_ptr<float>() + margin + t * feature_hop, contour_around(f0, count, t),
                               windows.data_ptr<float>() + (t - begin) * window_samples);
    const torch::Tensor spectra = torch::fft::rfft(windows.mul_(shape), fft_size).abs().contiguous();
    for (std::int64_t t = begin; t < end; ++t)
      if (f0[t] > 0)
        result.data_ptr<float>()[t] = float(odd_multiples_db(spectra.data_ptr<float>() + (t - begin) * spectra.size(1), f0[t]));
  }
  return result;
}

torch::Tensor raise_subharmonics(const torch::Tensor& audio, const torch::Tensor& hz, double max_hz) {
  const torch::Tensor odd = odd_multiples_db(audio, hz);
  torch::Tensor result = hz.to(torch::kCPU, torch::kFloat).clone();
  float* f0 = result.data_ptr<float>();
  const std::int64_t count = result.size(0);
  for (std::int64_t begin = 0, end = 0; begin < count; begin = end + 1) {
    std::vector<double> cents, evidence;
    for (end = begin; end < count && f0[end] > 0; ++end) {
      cents.push_back(1200 * std::log2(double(f0[end])));
      evidence.push_back(nats_per_db * std::clamp(weak_db - double(odd[end].item<float>()), -most_evidence_db, most_evidence_db));
    }
    const std::vector<bool> raise = frames_to_raise(cents, evidence, 1200 * std::log2(max_hz));
    for (std::size_t i = 0; i < raise.size(); ++i)
      if (raise[i]) f0[begin + std::int64_t(i)] *= 2;
  }
  return result.to(hz.device());
}

}  // namespace voxconv
