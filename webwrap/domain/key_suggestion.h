#pragma once

namespace webwrap {

/// Where somebody sings: 5 %, 50 % and 95 % of the pitch, in Hz. Zeros: not known.
struct VocalRange {
  double low = 0, median = 0, high = 0;
};

/// The shift in semitones, in [-24, 24], that brings a melody into a voice's range, found from the ranges alone and by the same rule as
/// voxconv's own choice ("key_auto"): as much as possible inside, of shifts that do about equally well the one nearest to none, and whole
/// octaves before others, because they keep the key of the song. 0 where a range is not known.
int suggest_key(const VocalRange& singer, const VocalRange& voice);

}  // namespace webwrap
