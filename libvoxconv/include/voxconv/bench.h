#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "voxconv/options.h"
#include "voxconv/progress.h"
#include "voxconv/voice.h"

namespace voxconv {

struct BenchOptions {
  std::string source;      ///< audio file; empty: a song made for the purpose, of `seconds`
  double seconds = 30;     ///< of the made song, [0.5, 36000]
  int repeat = 3;          ///< measured runs, [1, 1000]; those before them that warm up are not measured
  int files = 1;           ///< how often the song is converted in a run, [1, 1000]
  int jobs = 0;            ///< of these at the same time, [0, 256]; 0: as a batch does
  ConvertOptions convert;  ///< as for a conversion
};

/// One stage of the measured run whose time was the median.
struct BenchStage {
  std::string name;    ///< read, content, f0, retrieval, synthesis, post
  double seconds = 0;  ///< of work; stages that overlap add up to more than the run took
  double gflop = 0;    ///< multiplications and additions of its convolutions, matrix products and attention, 10^9
};

/// Every figure measured, on this machine in this call.
struct BenchReport {
  std::string voice, architecture, device, precision;
  int threads = 0;
  double load_s = 0;                                  ///< loading the voice and all it needs
  int files = 0, jobs = 0;                            ///< songs in a run, and how many of them at the same time
  double source_s = 0;                                ///< seconds of audio converted in a run
  double wall_s = 0, wall_min_s = 0, wall_max_s = 0;  ///< of a run: median, least, most
  double first_audio_s = 0;                           ///< of the median run's first song
  std::vector<BenchStage> stages;
  double peak_fp32_gflops = 0;      ///< the fastest of a large convolution and a large matrix product on this device
  double peak_gflops = 0;           ///< ... in the precision of the conversion
  std::uint64_t loaded_memory = 0;  ///< bytes resident once everything was loaded; 0: not known
  std::uint64_t peak_memory = 0;    ///< most bytes resident since the process began, before the machine's peak was measured
  double rtf() const { return source_s > 0 ? wall_s / source_s : 0; }
  std::string to_json() const;
};

/// Converts the source `repeat` times with the real Converter, into nothing, and says where the time went. Throws Error.
BenchReport bench(const std::string& voice, const LoadOptions& load, const BenchOptions& options, const ProgressFn& on_progress = {},
                  const CancelToken& cancel = {});

}  // namespace voxconv
