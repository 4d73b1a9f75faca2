#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace voxconv {

/// How a song is converted. Plain values; the defaults are what most songs want.
struct ConvertOptions {
  bool key_auto = false;     ///< shift by whole octaves and semitones so that the source fits the voice's range
  double key = 0;            ///< semitones, [-36, 36]; ignored with key_auto
  std::string f0 = "auto";   ///< f0 estimator, see f0_estimators()
  std::string f0_file;       ///< take the pitch from this file instead
  double f0_min = 50;        ///< Hz
  double f0_max = 1500;      ///< Hz
  double formant = 0;        ///< formant shift in semitones, [-12, 12]
  std::uint64_t seed = 0;    ///< of the noise part of the voice
  double loudness = 1;       ///< 0: as the voice model sings, 1: follows the source's loudness
  double pause_db = 20;      ///< how much quieter the pauses between phrases become, so that no room noise is sung; [0, 60]
  double wet = 1;            ///< 1: converted only, 0: source only
  double gain_db = 0;        ///< after everything else, before the limiter; [-60, 24]
  bool keep_stereo = false;  ///< convert each channel by itself; otherwise the mid is converted
  double chunk_s = 0;  ///< seconds of the source read at a time, [0.1, 600]; 0: a good default. Changes memory and latency, not the sound.

  std::vector<std::string> problems() const;  ///< empty: valid; else one sentence for each bad field
  void validate() const;                      ///< throws Error(usage) with the first problem
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
  double low = 0, high = 0;          ///< range of a number
  std::vector<std::string> choices;  ///< of a choice
  std::string_view help;
  std::variant<bool ConvertOptions::*, double ConvertOptions::*, std::uint64_t ConvertOptions::*, std::string ConvertOptions::*> field;
};

/// Every field of ConvertOptions, once.
const std::vector<OptionSpec>& convert_option_table();

}  // namespace voxconv
