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
constexpr double longest_overlap_s = 1;  // a stamp further back belongs to another time line, as where recordings were joined

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
    if (&other == &stream || other.start_time == AV_NOPTS_VALUE || other.disposition & AV_DISPOSITION_ATTACHED_PIC ||
        (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO))
      continue;
    const std::int64_t start = av_rescale_q(other.start_time, other.time_base, AVRational{1, rate_});
    others_ = std::min(start, others_.value_or(start));
  }
  if (stream.start_time != AV_NOPTS_VALUE) own_start_ = place(stream.start_time);
}

std::int64_t TimeLine::uncounted_lead() const {
  return known() && !counts_lead_ ? std::max<std::int64_t>(0, own_start_ - others_.value_or(own_start_)) : 0;
}

std::int64_t TimeLine::place(std::int64_t pts) const { return av_rescale_q(pts, unit_, AVRational{1, rate_}) - origin_; }

std::int64_t TimeLine::silence_before(std::int64_t pts, std::int64_t frames, std::optional<std::int64_t> next, std::int64_t position) {
  if (!known()) return 0;
  if (pts == AV_NOPTS_VALUE) {
    if (expected_) *expected_ += frames;
    return 0;
  }
  double shortest_s = *gap_s_;
  if (!expected_) {
    origin_ = std::min(place(pts), others_.value_or(place(pts)));
    expected_ = position;
    shortest_s = std::min(shortest_s, asf_packet_s);
  }
  const std::int64_t at = place(pts), jump = at - *expected_, missing = at - position;
  const auto shortest = std::llround(shortest_s * rate_), longest = std::llround(max_gap_s * rate_);
  expected_ = at + frames;
  const auto start_anew = [&] {
    origin_ += missing;
    *expected_ -= missing;
    return std::int64_t{0};
  };
  if (jump < -std::llround(longest_overlap_s * rate_)) return start_anew();
  if (jump < shortest || missing < shortest) return 0;
  if (!next || (*next != AV_NOPTS_VALUE && std::abs(place(*next) - *expected_) >= shortest)) return 0;  // a wrong stamp, not a gap
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
