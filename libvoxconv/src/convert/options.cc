#include "voxconv/options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/fail.h"
#include "models/architecture.h"
#include "voxconv/f0.h"

namespace voxconv {
using nlohmann::json;
namespace {

using Kind = OptionSpec::Kind;

constexpr double shortest_chunk = 0.1;
constexpr double lowest_rate = 8000, highest_rate = 192000;
constexpr double longest_median = 31;
constexpr bool local = true;

/// "gain_db", or "--gain"; options without a flag of their own are values of another's.
std::string name_of(std::string_view option, OptionNames names) {
  if (names == OptionNames::json) return std::string(option);
  if (option == "key_auto") return "--key auto";
  if (option == "keep_stereo") return "--stereo keep";
  const auto& table = convert_option_table();
  return "--" + std::string(std::ranges::find(table, option, &OptionSpec::name)->flag);
}

/// What is wrong with one field; empty: nothing.
std::string problem(const OptionSpec& spec, const ConvertOptions& options, const std::string& name) {
  if (spec.kind == Kind::number) {
    const double value = options.*std::get<double ConvertOptions::*>(spec.field);
    if (!std::isfinite(value) || value < spec.low || value > spec.high)
      return fmt::format("{} is {}; expected {} to {}{}{}.", name, value, spec.low, spec.high, spec.unit.empty() ? "" : " ", spec.unit);
  }
  if (spec.kind == Kind::integer && spec.high > spec.low) {
    const std::uint64_t value = options.*std::get<std::uint64_t ConvertOptions::*>(spec.field);
    if (double(value) < spec.low || double(value) > spec.high)
      return fmt::format("{} is {}; expected {} to {}{}{}.", name, value, spec.low, spec.high, spec.unit.empty() ? "" : " ", spec.unit);
  }
  if (spec.kind == Kind::choice) {
    const std::string& value = options.*std::get<std::string ConvertOptions::*>(spec.field);
    if (std::find(spec.choices.begin(), spec.choices.end(), value) == spec.choices.end())
      return fmt::format("{} is \"{}\"; expected one of {}.", name, value, fmt::join(spec.choices, ", "));
  }
  return "";
}

/// Sets one field from its JSON value, which must be of the field's own type. Throws json::exception.
void assign(ConvertOptions& options, const OptionSpec& spec, const json& value) {
  std::visit(
      [&](auto member) {
        using Value = std::remove_reference_t<decltype(options.*member)>;
        const json& typed = value;
        // nlohmann converts freely between numbers and booleans; an option is refused rather than guessed.
        const bool fits = std::is_same_v<Value, bool>     ? typed.is_boolean()
                          : std::is_same_v<Value, double> ? typed.is_number()
                          : std::is_same_v<Value, std::uint64_t>
                              ? typed.is_number_unsigned() || (typed.is_number_integer() && typed.get<std::int64_t>() >= 0)
                              : typed.is_string();
        if (!fits) fail(ErrorCode::usage, "{} has the value {}, which is of the wrong type.", spec.name, typed.dump());
        options.*member = typed.get<Value>();
      },
      spec.field);
}

/// The rows that concern all voices.
std::vector<OptionSpec> common_rows() {
  using O = ConvertOptions;
  return {
      {"key", "key", Kind::number, "semitones", -36, 36, {}, "Shift the melody by this many semitones", &O::key},
      {"key_auto", "", Kind::flag, "", 0, 0, {}, "Choose the octaves that bring the source to where the voice sings", &O::key_auto},
      {"f0", "f0", Kind::choice, "", 0, 0, f0_estimators(), "How the pitch is found", &O::f0},
      {"f0_file",
       "f0-file",
       Kind::path,
       "",
       0,
       0,
       {},
       "Take the pitch from this CSV (time,Hz) or NPY file instead of estimating it",
       &O::f0_file},
      {"f0_min", "f0-min", Kind::number, "Hz", 20, 2000, {}, "Lowest pitch to look for", &O::f0_min},
      {"f0_max", "f0-max", Kind::number, "Hz", 50, 4000, {}, "Highest pitch to look for", &O::f0_max},
      {"formant",
       "formant",
       Kind::number,
       "semitones",
       -12,
       12,
       {},
       "Shift the formants: below 0 a larger head, above 0 a smaller one",
       &O::formant},
      {"f0_median",
       "f0-median",
       Kind::integer,
       "frames",
       0,
       longest_median,
       {},
       "Smooth the pitch by the median over this many frames of 10 ms (0: not at all)",
       &O::f0_median},
      {"seed", "seed", Kind::integer, "", 0, 0, {}, "Seed of the voice's noise; the same seed gives the same result", &O::seed},
      {"loudness",
       "loudness",
       Kind::number,
       "",
       0,
       1,
       {},
       "How closely the loudness follows the source: 0 as the voice sings, 1 fully",
       &O::loudness},
      {"pause_db",
       "pause-db",
       Kind::number,
       "dB",
       0,
       60,
       {},
       "Make the background between phrases this much quieter; breaths stay",
       &O::pause_db},
      {"denoise", "denoise", Kind::flag, "", 0, 0, {}, "Take background noise out of the source first", &O::denoise},
      {"denoise_limit",
       "denoise-limit",
       Kind::number,
       "dB",
       0,
       100,
       {},
       "With --denoise, lower nothing by more than this: less is safer for held notes",
       &O::denoise_limit},
      {"wet", "wet", Kind::number, "", 0, 1, {}, "Mix: 1 converted only, 0 source only", &O::wet},
      {"gain_db", "gain", Kind::number, "dB", -60, 24, {}, "Gain after everything else, before the limiter", &O::gain_db},
      {"keep_stereo", "", Kind::flag, "", 0, 0, {}, "Convert each channel by itself instead of mixing them", &O::keep_stereo},
      {"chunk_s",
       "chunk",
       Kind::number,
       "s",
       0,
       600,
       {},
       "Seconds of the source read at a time (0: a good default); changes memory and latency, not the sound",
       &O::chunk_s,
       local},
      {"resample", "resample", Kind::integer, "Hz", 0, highest_rate, {}, "Sample rate of the result (0: the voice's)", &O::resample, local},
      {"index",
       "index",
       Kind::path,
       "",
       0,
       0,
       {},
       "Retrieval index of the voice's recordings; else the one of its bundle, if it has one",
       &O::index,
       local},
      {"index_rate",
       "index-rate",
       Kind::number,
       "",
       0,
       1,
       {},
       "Share of the content that comes from the retrieval index: 0 none",
       &O::index_rate,
       local},
      {"index_probes",
       "index-probes",
       Kind::integer,
       "",
       0,
       65536,
       {},
       "Lists of the retrieval index that are searched (0: as many as it says)",
       &O::index_probes,
       local},
      {"protect",
       "protect",
       Kind::number,
       "",
       0,
       0.5,
       {},
       "How much of the retrieval reaches consonants and breaths: 0 nothing, 0.5 all of it",
       &O::protect,
       local}};
}

}  // namespace

const std::vector<OptionSpec>& convert_option_table() {
  static const std::vector<OptionSpec> table = [] {
    std::vector<OptionSpec> rows = common_rows();
    for (const Architecture& architecture : architectures()) {
      if (!architecture.options) continue;
      const auto own = architecture.options();
      rows.insert(rows.end(), own.begin(), own.end());
    }
    return rows;
  }();
  return table;
}

std::vector<std::string> ConvertOptions::problems(OptionNames names) const {
  const auto name = [&](std::string_view option) { return name_of(option, names); };
  std::vector<std::string> result;
  for (const OptionSpec& spec : convert_option_table())
    if (std::string text = problem(spec, *this, name(spec.name)); !text.empty()) result.push_back(std::move(text));
  if (f0_min >= f0_max)
    result.push_back(fmt::format("{0} is {1} Hz and {2} {3} Hz; expected {0} below {2}.", name("f0_min"), f0_min, name("f0_max"), f0_max));
  if (chunk_s > 0 && chunk_s < shortest_chunk)
    result.push_back(fmt::format("{} is {}; expected 0 or {} to 600 s.", name("chunk_s"), chunk_s, shortest_chunk));
  if (resample > 0 && double(resample) < lowest_rate)
    result.push_back(fmt::format("{} is {} Hz; expected 0 or {} to {} Hz.", name("resample"), resample, lowest_rate, highest_rate));
  if (f0_median > 0 && f0_median % 2 == 0)
    result.push_back(fmt::format("{} is {} frames; expected 0 or an odd number.", name("f0_median"), f0_median));
  if (exact && (key_auto || keep_stereo || formant != 0 || denoise || wet != 1 || gain_db != 0))
    result.push_back(fmt::format(
        "{} gives what RVC gives, which knows no automatic key, stereo, formant, denoising, mix or gain; leave these out.", name("exact")));
  return result;
}

void ConvertOptions::validate(OptionNames names) const {
  if (const auto found = problems(names); !found.empty()) throw Error(ErrorCode::usage, found.front());
}

std::string ConvertOptions::to_json() const {
  nlohmann::ordered_json document;
  for (const OptionSpec& spec : convert_option_table())
    std::visit([&](auto member) { document[std::string(spec.name)] = this->*member; }, spec.field);
  return document.dump(-1, ' ', false, json::error_handler_t::replace);  // names of files are bytes of any kind
}

ConvertOptions ConvertOptions::from_json(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) fail(ErrorCode::usage, "The conversion options are not a JSON object.");
  const auto& table = convert_option_table();
  ConvertOptions options;
  for (const auto& [key, value] : document.items()) {
    const auto spec = std::find_if(table.begin(), table.end(), [&, &name = key](const OptionSpec& row) { return row.name == name; });
    if (spec == table.end()) fail(ErrorCode::usage, "Unknown conversion option \"{}\".", key);
    assign(options, *spec, value);
  }
  options.validate();
  return options;
}

}  // namespace voxconv
