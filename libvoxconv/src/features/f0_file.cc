#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
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

struct Row {
  double time, hz;
};

std::string extension(const std::string& path) {
  std::string text = std::filesystem::path(path).extension().string();
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// A number at the start of `text`, which is shortened by it and the separator after it. False: there is none.
bool take_number(std::string_view& text, double& value) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const std::size_t next = text.find_first_not_of(" \t");
  if (next == std::string_view::npos) {
    text = {};
    return true;
  }
  const bool separated = text[next] == ',' || text[next] == ';';
  if (!separated && next == 0) return false;  // "12x"
  text.remove_prefix(separated ? next + 1 : next);
  return true;
}

std::vector<Row> read_csv(const std::string& path) {
  const std::string file = read_file(path);
  std::vector<Row> rows;
  std::string_view rest = file;
  bool may_be_header = true;
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (line == 1 && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (text.find_first_not_of(" \t") == std::string_view::npos || text[0] == '#') continue;
    Row row{};
    std::string_view fields = text;
    if (!take_number(fields, row.time) || !take_number(fields, row.hz)) {
      if (!may_be_header) fail(ErrorCode::usage, "{}, line {}: expected \"time,Hz\", got \"{}\".", path, line, text.substr(0, 60));
      may_be_header = false;
      continue;
    }
    may_be_header = false;
    if (!(row.time >= 0 && row.time <= longest_s))
      fail(ErrorCode::usage, "{}, line {}: the time {} s is not between 0 and {} s.", path, line, row.time, longest_s);
    if (!rows.empty() && row.time <= rows.back().time)
      fail(ErrorCode::usage, "{}, line {}: the time {} s does not come after the line before ({} s).", path, line, row.time,
           rows.back().time);
    if (row.hz > highest_hz)
      fail(ErrorCode::usage, "{}, line {}: {} Hz is no pitch; at most {} Hz are allowed.", path, line, row.hz, highest_hz);
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

[[noreturn]] void fail_extension(const std::string& path) {
  fail(ErrorCode::usage, "{} is neither a .csv nor a .npy file; f0 files are one of these.", path);
}

}  // namespace

F0Track read_f0_file(const std::string& path) try {
  const std::string kind = extension(path);
  if (kind == ".csv") return to_clock(read_csv(path));
  if (kind == ".npy") return to_clock(read_npy_rows(path));
  fail_extension(path);
} catch (...) {
  throw_as_error();
}

void write_f0_file(const std::string& path, const F0Track& track) try {
  const std::string kind = extension(path);
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
