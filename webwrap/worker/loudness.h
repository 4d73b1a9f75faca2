#pragma once
#include "voxconv/audio_io.h"
#include "voxconv/progress.h"

namespace webwrap {

/// How loud a sound is by EBU R128. Silence: -infinity.
struct Loudness {
  double integrated_lufs = 0;
  double range_lu = 0;
  double true_peak_dbtp = 0;
  double sample_peak_dbfs = 0;
};

/// Reads all of it.
Loudness measure_loudness(voxconv::AudioReader&, const voxconv::CancelToken&);

}  // namespace webwrap
