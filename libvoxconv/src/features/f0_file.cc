#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string_view>

#include "core/atomic_file.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "features/npy.h"
#include "voxconv/f0.h"

namespace voxconv {
namespace {

constexpr double clock_rate = 100;       // of what is read
constexpr double longest_s = 48 * 3600;  // a time beyond this is a mistake, not a song
constexpr double highest_hz = 20000;
constexpr double gap_steps = 3;  // rows further apart than this many usual steps have silence between them

constexpr double voiced_from = 0.5;  // of a confidence

struct Row {
  double time, hz;
};

/// What holds from one time to another: a label of Audacity.
struct Stretch {
  double begin, end, hz;
};

std::string kind_of(const std::string& path) {
  std::string text = std::filesystem::path(path).extension().string();
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

/// A line cut at its commas, semicolons or tabs, else at its spaces.
std::vector<std::string_view> fields_of(std::string_view line) {
  const bool separated = line.find_first_of(",;\t") != std::string_view::npos;
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find_first_of(separated ? ",;\t" : " ", begin), line.size());
    if (separated || end > begin) fields.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return fields;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Where the columns lie that are read.
struct Columns {
  std::size_t time = 0, hz = 1;
  std::optional<std::size_t> confidence;
  bool named = false;
};

Columns named_columns(const std::string& path, const std::vector<std::string_view>& names) {
  constexpr std::array<std::string_view, 7> times{"time", "times", "t", "second", "seconds", "s", "timestamp"};
  constexpr std::array<std::string_view, 7> pitches{"hz", "f0", "frequency", "freq", "pitch", "f0hz", "pitchhz"};
  constexpr std::array<std::string_view, 9> confidences{"confidence",        "conf",    "probability", "prob",  "voicedprob",
                                                        "voicedprobability", "voicing", "periodicity", "voiced"};
  std::optional<std::size_t> time, hz, confidence;
  std::string said;
  for (std::size_t i = 0; i < names.size(); ++i) {
    said += (i ? ", " : "") + std::string(names[i].substr(0, 30));
    std::string name;
    for (const char c : names[i].substr(0, names[i].find_first_of("([")))  // "time (s)", "frequency [Hz]"
      if (std::isalnum(static_cast<unsigned char>(c))) name += char(std::tolower(static_cast<unsigned char>(c)));
    const auto is_one_of = [&](const auto& known) { return std::find(known.begin(), known.end(), name) != known.end(); };
    if (!time && is_one_of(times)) time = i;
    if (!hz && is_one_of(pitches)) hz = i;
    if (!confidence && is_one_of(confidences)) confidence = i;
  }
  if (!time || !hz)
    fail(ErrorCode::usage,
         "{} has the columns \"{}\"; expected one called time (in seconds), one called hz or frequency, and perhaps confidence.", path,
         said);
  return {*time, *hz, confidence, true};
}

struct Line {
  std::size_t number;
  std::vector<std::string_view> fields;
};

std::vector<Line> lines_of(std::string_view rest) {
  std::vector<Line> lines;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    // Audacity puts the frequencies of a label into a line of their own that begins with a backslash.
    if (trimmed(text).empty() || text[0] == '#' || text[0] == '\\') continue;
    lines.push_back({line, fields_of(text)});
  }
  return lines;
}

void check_time(const std::string& path, std::size_t line, double time) {
  if (!(time >= 0 && time <= longest_s))
    fail(ErrorCode::usage, "{}, line {}: the time {} s is not between 0 and {} s.", path, line, time, longest_s);
}

void check_pitch(const std::string& path, std::size_t line, double hz) {
  if (hz > highest_hz) fail(ErrorCode::usage, "{}, line {}: {} Hz is no pitch; at most {} Hz are allowed.", path, line, hz, highest_hz);
}

/// The labels of an Audacity track, "begin<TAB>end<TAB>label", whose text is the pitch; nothing for another file. No time of a pitch curve
/// that rises is followed by a number between it and the next time.
std::optional<std::vector<Stretch>> read_labels(const std::string& path, const std::vector<Line>& lines) {
  std::vector<Stretch> labels;
  constexpr double rounding = 1e-6;
  for (const Line& line : lines) {
    if (line.fields.size() != 3) return std::nullopt;
    const auto begin = number(line.fields[0]), end = number(line.fields[1]);
    if (!begin || !end || *end < *begin || (!labels.empty() && *begin < labels.back().end - rounding)) return std::nullopt;
    labels.push_back({*begin, *end, 0});
  }
  if (labels.empty() || labels.back().end == 0) return std::nullopt;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto hz = number(lines[i].fields[2]);
    if (!hz)
      fail(ErrorCode::usage, "{}, line {}: this is a label track of Audacity whose label \"{}\" is no pitch in Hz.", path, lines[i].number,
           lines[i].fields[2].substr(0, 60));
    check_time(path, lines[i].number, labels[i].end);
    check_pitch(path, lines[i].number, *hz);
    labels[i].hz = *hz;
  }
  return labels;
}

std::vector<Row> read_rows(const std::string& path, const std::vector<Line>& lines) {
  std::vector<Row> rows;
  Columns columns;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::vector<std::string_view>& fields = lines[i].fields;
    const std::size_t line = lines[i].number;
    if (i == 0 && !number(fields[0])) {
      columns = named_columns(path, fields);
      continue;
    }
    const auto value = [&](std::size_t column) { return column < fields.size() ? number(fields[column]) : std::nullopt; };
    const auto time = value(columns.time), hz = value(columns.hz);
    if (!time || !hz)
      fail(ErrorCode::usage, "{}, line {}: expected \"time,Hz\", got \"{}\".", path, line,
           fmt::format("{}", fmt::join(fields, ",")).substr(0, 60));
    if (!columns.named && value(2))
      fail(ErrorCode::usage,
           "{}, line {}: nothing tells what the third number {} is; begin the file with a line such as time,hz,confidence.", path, line,
           fields[2]);
    check_time(path, line, *time);
    if (!rows.empty() && *time <= rows.back().time)
      fail(ErrorCode::usage, "{}, line {}: the time {} s does not come after the line before ({} s).", path, line, *time, rows.back().time);
    check_pitch(path, line, *hz);
    Row row{*time, *hz};
    if (columns.confidence) {
      const auto confidence = value(*columns.confidence);
      if (!confidence || !(*confidence >= 0 && *confidence <= 1))
        fail(ErrorCode::usage, "{}, line {}: expected a confidence between 0 and 1, got \"{}\".", path, line,
             *columns.confidence < fields.size() ? fields[*columns.confidence].substr(0, 60) : "");
      if (*confidence < voiced_from) row.hz = 0;
    }
    rows.push_back(row);
  }
  if (rows.empty()) fail(ErrorCode::usage, "{} has no line \"time,Hz\".", path);
  return rows;
}

std::vector<Row> read_npy_rows(const std::string& path) {
  const NpyArray array = read_npy(path);
  const bool table = array.shape.size() == 2 && array.shape[1] == 2;
  if (!table && array.shape.size() != 1)
    fail(ErrorCode::usage, "{}: expected Hz at {} frames a second (1-D) or rows of [time, Hz] (2-D), got {} dimensions.", path, clock_rate,
         array.shape.size());
  std::vector<Row> rows;
  for (std::size_t i = 0; i < array.shape[0]; ++i) {
    const Row row = table ? Row{array.values[2 * i], array.values[2 * i + 1]} : Row{double(i) / clock_rate, array.values[i]};
    if (!(row.time >= 0 && row.time <= longest_s) || (i > 0 && row.time <= rows.back().time) || row.hz > highest_hz)
      fail(ErrorCode::usage, "{}, row {}: {} s with {} Hz; times must rise between 0 and {} s, and a pitch is at most {} Hz.", path, i,
           row.time, row.hz, longest_s, highest_hz);
    rows.push_back(row);
  }
  if (rows.empty()) fail(ErrorCode::usage, "{} holds no frame.", path);
  return rows;
}

double usual_step(const std::vector<Row>& rows) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < rows.size(); ++i) steps.push_back(rows[i].time - rows[i - 1].time);
  if (steps.empty()) return 1 / clock_rate;
  std::nth_element(steps.begin(), steps.begin() + std::ptrdiff_t(steps.size() / 2), steps.end());
  return steps[steps.size() / 2];
}

/// Straight lines in log f0 between voiced rows; between a voiced and an unvoiced one the nearer counts; across gaps silence.
F0Track to_clock(const std::vector<Row>& rows) {
  const double step = usual_step(rows), tolerance = 1e-6;
  const auto voiced = [&](std::size_t i) { return rows[i].hz > 0; };  // NaN and negative numbers mean unvoiced to other programs
  F0Track track;
  track.frame_rate = clock_rate;
  const auto frames = static_cast<std::size_t>(std::llround(rows.back().time * clock_rate)) + 1;
  std::size_t i = 0;
  for (std::size_t t = 0; t < frames; ++t) {
    const double time = double(t) / clock_rate;
    while (i + 1 < rows.size() && rows[i + 1].time <= time + tolerance) ++i;
    double hz = 0;
    const std::size_t next = std::min(i + 1, rows.size() - 1);
    const double span = rows[next].time - rows[i].time, part = span > 0 ? std::clamp((time - rows[i].time) / span, 0.0, 1.0) : 0;
    if (time < rows[i].time - step / 2 - tolerance || (part > 0 && span > gap_steps * step)) {
      const double nearest = std::min(std::abs(time - rows[i].time), std::abs(rows[next].time - time));
      if (nearest <= step / 2) hz = std::abs(time - rows[i].time) <= step / 2 ? rows[i].hz : rows[next].hz;
    } else if (voiced(i) && voiced(next)) {
      hz = std::exp((1 - part) * std::log(rows[i].hz) + part * std::log(rows[next].hz));
    } else {
      hz = rows[part < 0.5 ? i : next].hz;
    }
    track.hz.push_back(hz > 0 ? static_cast<float>(hz) : 0.0f);
    track.confidence.push_back(hz > 0 ? 1.0f : 0.0f);
  }
  return track;
}

/// Each label's pitch from its beginning to its end; points hold where rows of a curve would.
F0Track to_clock(const std::vector<Stretch>& labels) {
  constexpr double tolerance = 1e-6;
  if (std::all_of(labels.begin(), labels.end(), [](const Stretch& label) { return label.end == label.begin; })) {
    std::vector<Row> rows;
    for (const Stretch& label : labels)
      if (rows.empty() || label.begin > rows.back().time) rows.push_back({label.begin, label.hz});
    return to_clock(rows);
  }
  F0Track track;
  track.frame_rate = clock_rate;
  const auto frames = static_cast<std::size_t>(std::ceil(labels.back().end * clock_rate - tolerance));
  std::size_t i = 0;
  for (std::size_t t = 0; t < frames; ++t) {
    const double time = double(t) / clock_rate + tolerance;
    while (i + 1 < labels.size() && labels[i].end <= time) ++i;
    const double hz = labels[i].begin <= time && time < labels[i].end ? labels[i].hz : 0;
    track.hz.push_back(hz > 0 ? static_cast<float>(hz) : 0.0f);
    track.confidence.push_back(hz > 0 ? 1.0f : 0.0f);
  }
  return track;
}

F0Track read_csv(const std::string& path) {
  const std::string text = read_file(path);
  const std::vector<Line> lines = lines_of(text);
  if (const auto labels = read_labels(path, lines)) return to_clock(*labels);
  return to_clock(read_rows(path, lines));
}

[[noreturn]] void fail_extension(const std::string& path) {
  fail(ErrorCode::usage, "{} is neither a .csv nor a .npy file; f0 files are one of these.", path);
}

}  // namespace

F0Track read_f0_file(const std::string& path) try {
  const std::string kind = kind_of(path);
  if (kind == ".csv") return read_csv(path);
  if (kind == ".npy") return to_clock(read_npy_rows(path));
  fail_extension(path);
} catch (...) {
  throw_as_error();
}

void write_f0_file(const std::string& path, const F0Track& track) try {
  const std::string kind = kind_of(path);
  if (kind == ".csv") {
    std::string text = "time,hz\n";
    for (std::size_t t = 0; t < track.hz.size(); ++t) text += fmt::format("{:.3f},{:.3f}\n", double(t) / track.frame_rate, track.hz[t]);
    write_file(path, text);
  } else if (kind == ".npy") {
    if (track.frame_rate == clock_rate) return write_npy(path, {track.hz.size()}, track.hz);
    std::vector<float> rows;
    for (std::size_t t = 0; t < track.hz.size(); ++t)
      rows.insert(rows.end(), {static_cast<float>(double(t) / track.frame_rate), track.hz[t]});
    write_npy(path, {track.hz.size(), 2}, rows);
  } else {
    fail_extension(path);
  }
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
