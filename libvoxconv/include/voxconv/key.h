#pragma once
#include "voxconv/audio_io.h"
#include "voxconv/f0.h"
#include "voxconv/progress.h"
#include "voxconv/voice.h"

namespace voxconv {

/// Pitch range: the 5 %, 50 % and 95 % quantiles of the voiced frames in Hz. Zeros: not known, or nothing is voiced.
struct PitchRange {
  double low = 0, median = 0, high = 0;
};

/// The range of a whole source, silence left out, in bounded memory. Throws Error.
PitchRange measure_pitch_range(AudioReader& reader, const F0Options& options = {}, const ProgressFn& on_progress = {},
                               const CancelToken& cancel = {});

/// The shift in semitones that brings a song to the pitch range of a voice: 0, or one or two octaves up or down, so that the song keeps its
/// key. The one that costs least: the share of the song outside what the voice reaches (four semitones below its range to an octave above
/// it, as recordings are mostly speech), plus the octaves that the song's median lies outside of the voice's range (half an octave below to
/// 0.6 above the voice's median; of a woman's voice 1.1 above, as women sing further above their speech), plus 0.3 times
/// the square of the shift's octaves. 0 where a range is not known.
int choose_key(const PitchRange& song, const VoiceInfo& voice);

}  // namespace voxconv
