#include "audio/time_line.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/log.h"

namespace voxconv {
namespace {

struct Container {
  std::string_view name;
  double gap_s;
  bool counts_lead = false;
};

// Shorter than a lost packet (20 ms of Opus and AMR, 21 ms of AAC), longer than what rounding to milliseconds does. Packets of ASF begin
// amid a codec's frame, so its stamps are inexact by that much. AVI counts chunks: there is a place to begin, but no gaps.
constexpr double packet_s = 0.015, asf_packet_s = 0.25, none_s = 1e9;
constexpr Container containers[] = {{"mov", packet_s},       {"matroska", packet_s},      {"mpegts", packet_s}, {"mpeg", packet_s},
                                    {"flv", packet_s, true}, {"asf", asf_packet_s, true}, {"avi", none_s}};
constexpr std::int64_t most_frames = std::int64_t{1} << 53;  // a stamp beyond is nonsense, and sums of them would overflow
constexpr double longest_overlap_s = 1;  // a stamp further back belongs to another time line, as where recordings were joined

std::optional<std::int64_t> frames_of(std::int64_t stamp, AVRational unit, int rate) {
  if (stamp == AV_NOPTS_VALUE) return std::nullopt;
  const std::int64_t frames = av_rescale_q(stamp, unit, AVRational{1, rate});
  return frames < -most_frames || frames > most_frames ? std::nullopt : std::optional(frames);
}

}  // namespace

TimeLine::TimeLine(const AVFormatContext& format, const AVStream& stream, int rate, std::string name)
    : name_(std::move(name)), rate_(rate), unit_(stream.time_base) {
  const std::string_view names = format.iformat->name;
  const auto* known = std::ranges::find(containers, names.substr(0, names.find(',')), &Container::name);
  if (known != std::end(containers)) {
    gap_s_ = known->gap_s;
    counts_lead_ = known->counts_lead;
  }
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVStream& other = *format.streams[i];
    const AVMediaType type = other.codecpar->codec_type;
    if (&other == &stream || other.disposition & AV_DISPOSITION_ATTACHED_PIC || (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO))
      continue;
    if (const auto start = frames_of(other.start_time, other.time_base, rate_)) others_ = std::min(*start, others_.value_or(*start));
  }
  if (const auto start = frames_of(stream.start_time, unit_, rate_); start && others_) lead_ = std::max<std::int64_t>(0, *start - *others_);
  lead_given_ = lead_ <= std::llround(max_gap_s * rate_);
}

void TimeLine::begin(std::int64_t pts) {
  const auto start = frames_of(pts, unit_, rate_);
  if (!start || !others_) return;
  const std::int64_t lead = std::max<std::int64_t>(0, *start - *others_);
  if (std::abs(lead - lead_) < std::llround(asf_packet_s * rate_)) return;  // inexact stamps: the head is right
  counts_lead_ = true;  // a duration without a beginning of its own is that of the whole file
  lead_ = lead;
  lead_given_ = lead_ <= std::llround(max_gap_s * rate_);
}

std::int64_t TimeLine::duration_correction() const {
  if (!known() || counts_lead_ == lead_given_) return 0;
  return lead_given_ ? lead_ : -lead_;
}

std::optional<std::int64_t> TimeLine::place(std::int64_t pts) const {
  const auto frames = frames_of(pts, unit_, rate_);
  return frames ? std::optional(*frames - origin_) : std::nullopt;
}

std::int64_t TimeLine::silence_before(std::int64_t pts, std::int64_t frames, std::optional<std::int64_t> next, std::int64_t position) {
  if (!known()) return 0;
  std::optional<std::int64_t> stamp = place(pts);
  if (!stamp) {
    if (expected_) *expected_ += frames;
    return 0;
  }
  double shortest_s = *gap_s_;
  std::int64_t longest = std::llround(max_gap_s * rate_);
  const bool first = !expected_;
  if (first) {
    // What the head tells has been counted, so the first piece is placed as that decided.
    if (!lead_given_) warn(lead_, position);
    origin_ = lead_given_ ? std::min(*stamp, others_.value_or(*stamp)) : *stamp;
    stamp = place(pts);
    expected_ = position;
    shortest_s = std::min(shortest_s, asf_packet_s);
    longest = std::max<std::int64_t>(longest, lead_ + std::llround(shortest_s * rate_));
  }
  const std::int64_t at = *stamp, jump = at - *expected_, missing = at - position;
  const auto shortest = std::llround(shortest_s * rate_);
  expected_ = at + frames;
  const auto start_anew = [&] {
    origin_ += missing;
    *expected_ -= missing;
    return std::int64_t{0};
  };
  if (jump < -std::llround(longest_overlap_s * rate_)) return start_anew();
  if (jump < shortest || missing < shortest) return 0;
  if (!(first && std::abs(missing - lead_) < shortest)) {  // neither the head nor the next piece agrees: a wrong stamp, not a gap
    if (!next) return 0;
    if (const auto follows = place(*next); *next != AV_NOPTS_VALUE && (!follows || std::abs(*follows - *expected_) >= shortest)) return 0;
  }
  if (missing > longest || silence_ + missing > std::llround(max_silence_s * rate_)) {
    warn(missing, position);
    return start_anew();
  }
  silence_ += missing;
  return missing;
}

void TimeLine::warn(std::int64_t missing, std::int64_t position) {
  if (!warned_)
    log_warning("{} says that {:.0f} s are missing {:.2f} s from its start; gaps that long, or more than {:g} s in all, are joined.", name_,
                double(missing) / rate_, double(position) / rate_, max_silence_s);
  warned_ = true;
}

}  // namespace voxconv
