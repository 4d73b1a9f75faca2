#include "convert/key_choice.h"

#include <cmath>
#include <cstdlib>

namespace voxconv {
namespace {

// The range in voice.json is that of speech, mostly; the same voice sings higher.
constexpr double below = 1.06, above = 1.6;
constexpr double octave_cost = 0.02, other_cost = 0.12;

}  // namespace

double choose_key(const torch::Tensor& f0, const VoiceInfo& voice) {
  const torch::Tensor voiced = f0.masked_select(f0 > 0);
  if (voiced.numel() == 0 || voice.f0_low <= 0 || voice.f0_high <= voice.f0_low) return 0;
  double best = 0, best_cost = 1e9;
  for (int key = -24; key <= 24; ++key) {
    const torch::Tensor sung = voiced * std::exp2(key / 12.0);
    const torch::Tensor outside = torch::logical_or(sung<voice.f0_low / below, sung> voice.f0_high * above);
    const double cost = outside.to(torch::kFloat).mean().item<double>() + octave_cost * std::abs(key) / 12.0 + (key % 12 ? other_cost : 0);
    if (cost < best_cost) {
      best_cost = cost;
      best = key;
    }
  }
  return best;
}

}  // namespace voxconv
