// What containers say about when their sound is heard.
#include <algorithm>
#include <limits>

#include "audio/limits.h"
#include "audio/time_line.h"
#include "audio_remux.h"
#include "audio_testing.h"
#include "voxconv/progress.h"

namespace voxconv {
namespace {

using namespace testing_audio;

constexpr int rate = 48000;

struct Kind {
  const char *source, *muxer;
  AVCodecID picture;
  double tolerance_s = 0.001;  ///< most stamps are milliseconds; FFmpeg forgets Opus' delay on the way
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.source << " in " << kind.muxer; }

/// Frames that `got` lags behind `wanted` from frame `from` on, looked for within `reach` frames.
std::int64_t lag(const std::vector<float>& wanted, std::size_t from, const std::vector<float>& got, std::size_t got_from,
                 std::int64_t reach) {
  constexpr std::size_t length = 12000;
  std::int64_t best = 0;
  double least = 1e30;
  for (std::int64_t shift = -reach; shift <= reach; ++shift) {
    double error = 0;
    for (std::size_t i = 0; i < length; ++i) {
      const double d = double(wanted.at(from + i)) - got.at(std::size_t(std::int64_t(got_from + i) + shift));
      error += d * d;
    }
    if (error < least) {
      least = error;
      best = shift;
    }
  }
  return best;
}

/// A tone that rises, so that each moment of it is another.
AudioBuffer sweep(double seconds) {
  AudioBuffer audio(rate, 1, std::size_t(seconds * rate));
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const double t = double(i) / rate;
    audio.channels[0][i] = float(0.4 * std::sin(2 * std::numbers::pi * (200 * t + 150 * t * t)));
  }
  return audio;
}

class TimeLines : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    source_ = scratch(std::string("line.") + GetParam().source);
    write_audio(source_, sweep(6));
  }
  AudioBuffer read(const Remux& changes) {
    remux_audio(source_, scratch("line"), GetParam().muxer, changes);
    const auto reader = open_reader(scratch("line"));
    told_ = reader->info().frames;
    return read_all(*reader);
  }
  std::int64_t frames(double seconds) const { return std::llround(seconds * rate); }

  std::string source_;
  std::int64_t told_ = 0;  ///< AudioInfo::frames of the last one read
};

TEST_P(TimeLines, WhatWasLostIsSilentAndTheRestInPlace) {
  const AudioBuffer whole = read({.picture = GetParam().picture}),
                    gap = read({.drop_from_s = 2, .drop_to_s = 4, .picture = GetParam().picture});
  const std::int64_t reach = frames(GetParam().tolerance_s) + 1;
  ASSERT_NEAR(double(gap.frames()), double(whole.frames()), double(reach + 4));
  EXPECT_EQ(lag(whole.channels[0], 30000, gap.channels[0], 30000, 2 * reach), 0) << "before the gap";
  EXPECT_LE(std::abs(lag(whole.channels[0], 220000, gap.channels[0], 220000, 2 * reach)), reach) << "after it";
  const std::vector<float> inside(gap.channels[0].begin() + 105000, gap.channels[0].begin() + 185000);
  EXPECT_EQ(peak(inside), 0);
}

TEST_P(TimeLines, SoundThatBeginsLateStaysLate) {
  const AudioBuffer whole = read({.picture = GetParam().picture}), late = read({.delay_s = 0.8, .picture = GetParam().picture});
  const std::int64_t reach = frames(GetParam().tolerance_s) + 1, lead = frames(0.8);
  ASSERT_NEAR(double(late.frames()), double(whole.frames()) + double(lead), double(reach + 4));
  if (told_ >= 0) {
    EXPECT_NEAR(double(told_), double(late.frames()), double(frames(0.1))) << "what the head tells";
  }
  EXPECT_LE(std::abs(lag(whole.channels[0], 30000, late.channels[0], std::size_t(30000 + lead), 2 * reach)), reach);
  const std::vector<float> before(late.channels[0].begin(), late.channels[0].begin() + 36000);
  EXPECT_EQ(peak(before), 0);
}

TEST_P(TimeLines, SoundThatBeginsTooLateIsNotCounted) {
  const std::string muxer = GetParam().muxer;
  if (muxer == "flv") return;  // its head names no streams, and FFmpeg does not look that far
  std::string warning;
  set_log_callback([&](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warning = text;
  });
  const AudioBuffer whole = read({.picture = GetParam().picture}), late = read({.delay_s = 700, .picture = GetParam().picture});
  set_log_callback({});
  const bool mp4 = muxer == "mp4" || muxer == "mov";  // whose padding of the encoder FFmpeg counts in the length of such a file
  EXPECT_NEAR(double(late.frames()), double(whole.frames()), mp4 ? 1024 : 0);
  if (told_ >= 0) {
    EXPECT_NEAR(double(told_), double(late.frames()), double(frames(0.1))) << "what the head tells";
  }
  EXPECT_NE(warning.find("are joined"), std::string::npos) << warning;
}

INSTANTIATE_TEST_SUITE_P(Containers, TimeLines,
                         testing::Values(Kind{"m4a", "mp4", AV_CODEC_ID_MPEG4}, Kind{"m4a", "mov", AV_CODEC_ID_MPEG4},
                                         Kind{"opus", "matroska", AV_CODEC_ID_MJPEG, 0.008}, Kind{"flac", "matroska", AV_CODEC_ID_MJPEG},
                                         Kind{"ogg", "webm", AV_CODEC_ID_VP8}, Kind{"mp3", "mpegts", AV_CODEC_ID_MPEG2VIDEO},
                                         Kind{"mp3", "flv", AV_CODEC_ID_FLV1}, Kind{"mp3", "asf", AV_CODEC_ID_MJPEG, 0.03}),
                         [](const auto& test) { return std::string(test.param.source) + "In" + test.param.muxer; });

TEST(TimeLine, SoundAloneBeginsAtItsBeginning) {
  write_audio(scratch("alone.flac"), sweep(1));
  remux_audio(scratch("alone.flac"), scratch("alone.mkv"), "matroska", {.delay_s = 300});
  EXPECT_EQ(read_audio(scratch("alone.mkv")).frames(), std::size_t(rate));
}

TEST(TimeLine, AFileThatClaimsYearsCostsNeitherMemoryNorHours) {
  std::string warning;
  set_log_callback([&](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warning = text;
  });
  AudioBuffer source(8000, 1, 16000);
  write_audio(scratch("claim.flac"), source);
  remux_audio(scratch("claim.flac"), scratch("years.mkv"), "matroska", {.pause_s = 5 * 365 * 86400.0, .pause_every = 2});
  EXPECT_EQ(read_audio(scratch("years.mkv")).frames(), 16000u);
  EXPECT_NE(warning.find("years.mkv says that"), std::string::npos) << warning;
  // Gaps that are possible each, and go on for a day: an hour of them is taken.
  write_audio(scratch("claim.flac"), AudioBuffer(8000, 1, 8000 * 60));
  remux_audio(scratch("claim.flac"), scratch("day.mkv"), "matroska", {.pause_s = 500, .pause_every = 2});
  const auto reader = open_reader(scratch("day.mkv"));
  set_log_callback({});
  std::int64_t frames = 0;
  for (AudioBuffer block; reader->read(block, 8000);) {
    ASSERT_LE(block.frames(), 8000u);
    frames += std::int64_t(block.frames());
  }
  EXPECT_GT(frames, 8000 * 3000);
  EXPECT_LE(frames, 8000 * (3600 + 60));
}

/// The time line of a Matroska file of sound alone, in milliseconds, whose pieces are of 20 ms.
class Stamps : public testing::Test {
 protected:
  void SetUp() override {
    format_ = avformat_alloc_context();
    format_->iformat = av_find_input_format("matroska");
    stream_ = avformat_new_stream(format_, nullptr);
    stream_->time_base = {1, 1000};
    line_.emplace(*format_, *stream_, rate, "a.mkv");
  }
  void TearDown() override { avformat_free_context(format_); }

  /// Seconds of silence that pieces with these stamps get.
  std::vector<double> silences(const std::vector<std::int64_t>& stamps) {
    std::vector<double> result;
    for (std::size_t i = 0; i < stamps.size(); ++i) {
      const auto next = i + 1 < stamps.size() ? std::optional(stamps[i + 1]) : std::nullopt;
      const std::int64_t silence = line_->silence_before(stamps[i], piece_, next, position_);
      position_ += silence + piece_;
      result.push_back(double(silence) / rate);
    }
    return result;
  }

  static constexpr std::int64_t piece_ = rate / 50;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
  std::optional<TimeLine> line_;
  std::int64_t position_ = 0;
};

TEST_F(Stamps, AGapIsWhereTheNextPieceAgrees) { EXPECT_EQ(silences({0, 20, 40, 5040, 5060}), (std::vector<double>{0, 0, 0, 4.98, 0})); }

TEST_F(Stamps, OneWrongStampIsNoGap) { EXPECT_EQ(silences({0, 20, 5000, 60, 80, 100}), (std::vector<double>{0, 0, 0, 0, 0, 0})); }

TEST_F(Stamps, StampsThatNoSoundCanHaveAreNone) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max(), years = std::int64_t{1} << 60;
  EXPECT_EQ(silences({0, 20, most, 60, 1060, 1080, -most, 1120, years, 1160, -years, 1200}),
            (std::vector<double>{0, 0, 0, 0, 0.98, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(silences({1220, 1240, 5000, most}), (std::vector<double>(4))) << "nor do they confirm a gap";
}

TEST_F(Stamps, ABeginningThatNoSoundCanHaveIsNone) {
  stream_->start_time = std::numeric_limits<std::int64_t>::max();
  AVStream* picture = avformat_new_stream(format_, nullptr);
  picture->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
  picture->time_base = {1, 1000};
  picture->start_time = -std::numeric_limits<std::int64_t>::max();
  line_.emplace(*format_, *stream_, rate, "a.mkv");
  EXPECT_EQ(line_->duration_correction(), 0);
  EXPECT_EQ(silences({20, -std::numeric_limits<std::int64_t>::max(), 60, 1060, 1080}), (std::vector<double>{0, 0, 0, 0.98, 0}));
}

TEST_F(Stamps, ShakyOrDriftingStampsAreNoGaps) {
  EXPECT_EQ(silences({0, 21, 39, 61, 80, 99, 120}), (std::vector<double>(7)));
  std::vector<std::int64_t> drifting;
  for (int i = 0; i < 500; ++i) drifting.push_back(i * 21);
  EXPECT_EQ(silences(drifting), std::vector<double>(500));
}

TEST_F(Stamps, PiecesWithoutAStampFollowTheLastOne) {
  EXPECT_EQ(silences({0, AV_NOPTS_VALUE, AV_NOPTS_VALUE, 60, 1060, AV_NOPTS_VALUE, 1100}), (std::vector<double>{0, 0, 0, 0, 0.98, 0, 0}));
}

TEST_F(Stamps, JoinedRecordingsGoOn) {
  EXPECT_EQ(silences({100000, 100020, 0, 20, 1020, 1040}), (std::vector<double>{0, 0, 0, 0, 0.98, 0}));
}

}  // namespace
}  // namespace voxconv
