#pragma once
#include <string>
#include <vector>

#include "voxconv/audio_io.h"

namespace voxconv {

/// Pitch on a regular clock.
struct F0Track {
  double frame_rate = 100;        ///< frames a second; frame t is centred at t / frame_rate seconds
  std::vector<float> hz;          ///< 0 = unvoiced
  std::vector<float> confidence;  ///< voicing confidence in [0, 1], one per frame
};

struct F0Options {
  std::string estimator = "auto";  ///< one of f0_estimators()
  double min_hz = 50;
  double max_hz = 2000;
  std::string device = "auto";
};

/// auto, rmvpe, fcpe, crepe, crepe-tiny, swiftf0, pyin.
const std::vector<std::string>& f0_estimators();

/// Those of them whose weights are here; rmvpe and crepe do not ship.
std::vector<std::string> installed_f0_estimators();

/// Pitch of a whole source (its channels mixed as a conversion does), in bounded memory but for the result. Throws Error.
F0Track estimate_f0(AudioReader& reader, const F0Options& options = {});

/// CSV with lines "time,Hz" (a header line may name the columns, a confidence among them) or with Audacity's labels, or NPY of Hz at 100
/// frames a second (1-D) or of [time, Hz] rows (2-D), by the extension; docs/f0.md. Reading resamples to 100 frames a second. Throws Error.
F0Track read_f0_file(const std::string& path);
void write_f0_file(const std::string& path, const F0Track& track);

}  // namespace voxconv
