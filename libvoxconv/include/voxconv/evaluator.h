#pragma once
#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "voxconv/options.h"
#include "voxconv/progress.h"
#include "voxconv/voice.h"

namespace voxconv {

/// Stands for a measure that a file does not allow: null in JSON, empty in CSV, left out of means.
inline constexpr double undefined_figure = std::numeric_limits<double>::quiet_NaN();

/// So many figures that are undefined so far.
template <std::size_t count>
constexpr std::array<double, count> undefined_figures() {
  std::array<double, count> figures{};
  for (double& figure : figures) figure = undefined_figure;
  return figures;
}

/// Measurements of one sound by itself, taken of the result, of the source and of the target's recordings alike. docs/evaluation.md defines
/// each.
struct SoundFigures {
  static constexpr std::array<int, 9> band_edges{0, 250, 500, 1000, 2000, 4000, 8000, 16000, 22050};  ///< Hz
  static constexpr std::array<int, 5> periodicity_edges{0, 1000, 2000, 4000, 8000};                   ///< Hz

  std::array<double, band_edges.size() - 1> band_db =
      undefined_figures<band_edges.size() - 1>();  ///< energy per band, relative to the total
  double above_16k_db = undefined_figure;          ///< energy above 16 kHz relative to the rest
  /// normalised autocorrelation per band at the pitch lag: 1 periodic, 0 noise
  std::array<double, periodicity_edges.size() - 1> periodicity = undefined_figures<periodicity_edges.size() - 1>();
  double hnr_db = undefined_figure;  ///< harmonics-to-noise ratio
  double sig = undefined_figure;     ///< DNSMOS P.835, estimated mean opinion of the voice, 1 to 5
  double bak = undefined_figure;     ///< ... of the background
  double ovrl = undefined_figure;    ///< ... of the whole
};

/// Measurements of one converted file. docs/evaluation.md defines each.
struct EvalRow {
  std::string source;                            ///< path
  std::string language;                          ///< of its words, "en", "de" ...; empty where they were not written down
  double seconds = undefined_figure;             ///< of the source
  double f0_correlation = undefined_figure;      ///< of log f0 with the (shifted) source, over frames in which the pitch is certain in both
  double f0_median_cents = undefined_figure;     ///< median absolute error
  double f0_agreement = undefined_figure;        ///< share of the frames voiced in both in which two estimators agree about both
  double secs_target = undefined_figure;         ///< Resemblyzer cosine to the target's embedding
  double secs_source = undefined_figure;         ///< ... to the source's
  double secs_source_target = undefined_figure;  ///< ... of source to target: where it started
  double secs_nearer_target = undefined_figure;  ///< 1: nearer to the target than to the source, 0: not
  double timbre_target = undefined_figure;       ///< a second measure of similarity, from MFCC statistics, 0 to 1: result and target
  double timbre_source = undefined_figure;       ///< ... result and source
  double timbre_source_target = undefined_figure;  ///< ... source and target
  double timbre_nearer_target = undefined_figure;  ///< 1: nearer to the target than to the source, 0: not
  double loudness_error_db = undefined_figure;     ///< mean absolute error of short-term A-weighted loudness, level-matched
  double level_difference_db = undefined_figure;   ///< integrated loudness (BS.1770) of the result less the source's
  double rest_db = undefined_figure;               ///< dBFS of the result where the source rests
  double source_rest_db = undefined_figure;        ///< ... of the source
  double breath_change_db = undefined_figure;      ///< level of the source's breaths in the result less that in the source
  double spectrum_distance_db = undefined_figure;  ///< between the long-term spectra of result and target's recordings
  double cer = undefined_figure;                   ///< character error rate of the result's words against the source's
  double rtf = undefined_figure;                   ///< seconds of work per second of audio
  SoundFigures result_sound, source_sound;
};

struct EvalReport {
  std::string voice;  ///< its name, or "native vocoder"
  std::vector<EvalRow> rows;
  EvalRow mean;
  SoundFigures target_sound;  ///< mean over the target's recordings
  std::string to_json() const;
  std::string to_csv() const;
};

/// A picture of a sound: level over time and frequency.
struct Spectrogram {
  std::string title;   ///< for people: what it is a picture of
  double seconds = 0;  ///< that the columns cover
  double top_hz = 0;   ///< that the rows cover, from 0
  std::size_t rows = 0, columns = 0;
  std::vector<float> db;  ///< [rows][columns], the lowest frequency first; 0 dB is a sine of full scale, -200 at the least
};

struct EvalOptions {
  std::vector<std::string> sources;     ///< files or folders
  std::vector<std::string> references;  ///< recordings of the target; empty: the embedding stored in the bundle
  std::string language;                 ///< of the sources' words, "en", "de" ...; empty: told from each
  ConvertOptions convert;
  std::string save_dir;  ///< keep the converted files here; empty: do not
  /// Called after each file with its name (the source's without folder and extension, with a number where an earlier one had the same) and
  /// the spectrograms of source, result and the first of the references, if there are any. May throw.
  std::function<void(const std::string& name, const std::vector<Spectrogram>&)> on_spectrograms;
};

/// Converts every source with the voice and measures the results. Throws Error.
EvalReport evaluate(const Voice& voice, const EvalOptions& options, const ProgressFn& on_progress = {}, const CancelToken& cancel = {});

/// Measures the native vocoder alone, the ceiling of every native voice: each source is taken apart into its spectral envelope and pitch
/// and made anew from them (copy synthesis), and compared with itself. No voice and no references; of `options.convert` the seed counts, of
/// `load` device and threads. Throws Error.
EvalReport evaluate_vocoder(const EvalOptions& options, const LoadOptions& load = {}, const ProgressFn& on_progress = {},
                            const CancelToken& cancel = {});

}  // namespace voxconv
