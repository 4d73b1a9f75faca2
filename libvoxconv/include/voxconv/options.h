#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace voxconv {

/// What messages call an option: by its JSON key, or by its flag on the command line.
enum class OptionNames { json, flags };

/// How a song is converted. Plain values; the defaults are what most songs want.
struct ConvertOptions {
  bool key_auto = false;        ///< shift by whole octaves into the voice's range: choose_key() of voxconv/key.h
  double key = 0;               ///< semitones, [-36, 36]; ignored with key_auto
  std::string f0 = "auto";      ///< f0 estimator, see f0_estimators()
  std::string f0_file;          ///< take the pitch from this file instead
  double f0_min = 50;           ///< Hz
  double f0_max = 2000;         ///< Hz
  double formant = 0;           ///< formant shift in semitones, [-12, 12]
  std::uint64_t f0_median = 0;  ///< smooth the pitch by the median over this many 10 ms frames; 0 and 1: as it was found
  std::uint64_t seed = 0;       ///< of the noise part of the voice
  double loudness = 1;          ///< 0: the voice model's own, 1: follows the source's loudness
  double pause_db = 20;         ///< how much quieter the pauses between phrases become, so that room noise is not converted; [0, 60]
  bool denoise = false;         ///< take background noise out of the source before anything else (docs/denoise.md)
  double denoise_limit = 20;    ///< dB by which that lowers anything at most, [0, 100]; held notes may pass for noise
  double wet = 1;               ///< 1: converted only, 0: source only
  double gain_db = 0;           ///< after everything else, before the limiter; [-60, 24]
  bool keep_stereo = false;     ///< convert each channel by itself; otherwise they are mixed to one
  double chunk_s = 0;  ///< seconds of the source read at a time, [0.1, 600]; 0: a good default. Changes memory and latency, not the sound.
  std::uint64_t resample = 0;  ///< Hz of the result, 8000 to 192000; 0: that of the voice model

  // RVC's settings; voices of other architectures use a retrieval index where one is given, and ignore the rest.
  std::string index;               ///< retrieval index of the voice's recordings; empty: the one of its bundle, if it has one
  double index_rate = 0.75;        ///< share of the content that comes from the index, [0, 1]
  std::uint64_t index_probes = 0;  ///< lists of the index that are searched; 0: as many as it says
  double protect = 0.33;           ///< share of the index in unvoiced sounds, relative to index_rate, [0, 0.5]; 0.5: no difference
  double rms_mix = 0.25;           ///< loudness: 0 follows the source's, 1 the voice model's own
  std::uint64_t speaker = 0;       ///< of a model with several
  std::string profile = "auto";    ///< unvoiced frames: "classic" have no pitch, "head" have that of their neighbours; auto: classic
  bool exact = false;              ///< the whole file at once as RVC does it, with RVC's cuts and noise; takes memory with the length

  /// Empty: valid; else one sentence for each bad field.
  std::vector<std::string> problems(OptionNames names = OptionNames::json) const;
  void validate(OptionNames names = OptionNames::json) const;  ///< throws Error(usage) with the first problem
  std::string to_json() const;
  static ConvertOptions from_json(const std::string& json);  ///< throws Error(usage); unknown keys are refused
};

/// One row of the table that the CLI's flags, the JSON form and the web form are made from.
struct OptionSpec {
  enum class Kind { number, integer, flag, choice, path };
  std::string_view name;  ///< JSON key
  std::string_view flag;  ///< long flag without dashes; empty: no flag of its own
  Kind kind;
  std::string_view unit;             ///< "semitones", "Hz", ""
  double low = 0, high = 0;          ///< range of a number, and of an integer where high is above low
  std::vector<std::string> choices;  ///< of a choice
  std::string_view help;
  std::variant<bool ConvertOptions::*, double ConvertOptions::*, std::uint64_t ConvertOptions::*, std::string ConvertOptions::*> field;
  bool local = false;  ///< for programs on one's own machine: a service has no use for it, or should not let others choose it
};

/// Every field of ConvertOptions, once.
const std::vector<OptionSpec>& convert_option_table();

}  // namespace voxconv
