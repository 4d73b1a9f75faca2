#include "domain/key_suggestion.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace webwrap {
namespace {

// As in voxconv: the voice's range is that of speech, mostly, and the same voice sings higher.
constexpr double below = 1.06, above = 1.6;
constexpr double octave_cost = 0.02, other_cost = 0.12;

/// Share of a melody that lies below `hz`: straight lines through its three points on a logarithmic scale, which go on at the ends.
double share_below(const VocalRange& range, double hz) {
  const double low = std::log2(range.low), middle = std::log2(range.median), high = std::log2(range.high), x = std::log2(hz);
  const double width = std::max(1e-3, x < middle ? middle - low : high - middle);
  return std::clamp(0.5 + 0.45 * (x - middle) / width, 0.0, 1.0);
}

bool known(const VocalRange& range) { return range.low > 0 && range.median >= range.low && range.high >= range.median; }

}  // namespace

int suggest_key(const VocalRange& singer, const VocalRange& voice) {
  if (!known(singer) || !known(voice)) return 0;
  int best = 0;
  double best_cost = 1e9;
  for (int key = -24; key <= 24; ++key) {
    const double factor = std::exp2(key / 12.0);
    const double outside = share_below(singer, voice.low / below / factor) + 1 - share_below(singer, voice.high * above / factor);
    const double cost = outside + octave_cost * std::abs(key) / 12.0 + (key % 12 ? other_cost : 0);
    if (cost < best_cost) {
      best_cost = cost;
      best = key;
    }
  }
  return best;
}

}  // namespace webwrap
