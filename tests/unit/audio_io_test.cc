#include <sndfile.h>

#include <algorithm>
#include <limits>

#include "audio/resampler.h"
#include "audio_remux.h"
#include "audio_testing.h"

namespace voxconv {
namespace {

using namespace testing_audio;

struct Trip {
  const char* format;
  const char* extension;
  int rate, channels;
  double min_snr;  ///< dB
  int rate_out = 0;
  const char* container = "";
  const char* codec = "";
};

void PrintTo(const Trip& trip, std::ostream* out) { *out << trip.format << " " << trip.rate << " " << trip.channels; }

class RoundTrip : public testing::TestWithParam<Trip> {};

TEST_P(RoundTrip, KeepsLengthPlaceAndSound) {
  const Trip& trip = GetParam();
  const std::string path = scratch(std::string("trip.") + trip.extension);
  const AudioBuffer in = chord(trip.rate, trip.channels, 1.03);
  WriteOptions options;
  options.format = trip.format;
  write_audio(path, in, options);
  const auto reader = open_reader(path);
  EXPECT_EQ(reader->info().container, trip.container);
  EXPECT_EQ(reader->info().codec, trip.codec);
  const AudioBuffer out = read_all(*reader);
  const int rate = trip.rate_out ? trip.rate_out : trip.rate;
  ASSERT_EQ(out.rate, rate);
  ASSERT_EQ(out.channel_count(), in.channel_count());
  const AudioBuffer wanted = rate == trip.rate ? in : resample(in, rate);
  EXPECT_EQ(out.frames(), wanted.frames());
  // An MP3's header counts the encoder's padding in.
  EXPECT_GE(reader->info().frames, std::int64_t(out.frames()));
  EXPECT_LE(reader->info().frames, std::int64_t(out.frames()) + (std::string(trip.container) == "mp3" ? 2304 : 0));
  for (std::size_t c = 0; c < in.channel_count(); ++c)
    EXPECT_GT(snr_db(wanted.channels[c], out.channels[c]), trip.min_snr) << "channel " << c;
}

INSTANTIATE_TEST_SUITE_P(
    Formats, RoundTrip,
    testing::Values(Trip{"wav", "wav", 44100, 1, 90, 0, "wav", "pcm_s16"}, Trip{"wav16", "wav", 48000, 2, 90, 0, "wav", "pcm_s16"},
                    Trip{"wav24", "wav", 44100, 2, 138, 0, "wav", "pcm_s24"}, Trip{"wavf", "wav", 44100, 1, 299, 0, "wav", "pcm_f32"},
                    Trip{"wav16", "wav", 8000, 6, 90, 0, "wav", "pcm_s16"}, Trip{"wav24", "wav", 192000, 3, 138, 0, "wav", "pcm_s24"},
                    Trip{"wavf", "wav", 11025, 64, 299, 0, "wav", "pcm_f32"}, Trip{"", "flac", 44100, 1, 138, 0, "flac", "flac"},
                    Trip{"", "flac", 96000, 2, 138, 0, "flac", "flac"}, Trip{"", "flac", 16000, 8, 138, 0, "flac", "flac"},
                    Trip{"", "mp3", 44100, 1, 25, 0, "mp3", "mp3"}, Trip{"", "mp3", 48000, 2, 25, 0, "mp3", "mp3"},
                    Trip{"", "mp3", 16000, 1, 25, 0, "mp3", "mp3"}, Trip{"", "mp3", 96000, 2, 25, 48000, "mp3", "mp3"},
                    Trip{"", "ogg", 44100, 1, 15, 0, "ogg", "vorbis"}, Trip{"", "ogg", 48000, 2, 15, 0, "ogg", "vorbis"},
                    Trip{"", "ogg", 22050, 1, 15, 0, "ogg", "vorbis"}, Trip{"", "opus", 48000, 1, 15, 0, "ogg", "opus"},
                    Trip{"", "opus", 44100, 2, 15, 48000, "ogg", "opus"}, Trip{"", "opus", 16000, 1, 15, 0, "ogg", "opus"},
                    Trip{"", "m4a", 44100, 1, 20, 0, "mp4", "aac"}, Trip{"", "m4a", 48000, 2, 20, 0, "mp4", "aac"},
                    Trip{"", "m4a", 16000, 1, 20, 0, "mp4", "aac"}));

TEST(AudioIo, SixteenBitsSurviveEachLosslessFormat) {
  AudioBuffer in(44100, 1, 65536);
  for (int i = 0; i < 65536; ++i) in.channels[0][std::size_t(i)] = float(i - 32768) / 32768;
  for (const char* format : {"wav16", "wav24", "wavf", "flac"}) {
    WriteOptions options;
    options.format = format;
    write_audio(scratch("exact"), in, options);
    EXPECT_EQ(read_audio(scratch("exact")).channels, in.channels) << format;
  }
}

TEST(AudioIo, ReadsTheOtherKindsOfWav) {
  const AudioBuffer in = chord(44100, 2, 0.1);
  std::vector<float> interleaved;
  for (std::size_t i = 0; i < in.frames(); ++i)
    for (const auto& channel : in.channels) interleaved.push_back(channel[i]);
  struct Kind {
    int format;
    double min_snr;
    const char* container;
  };
  for (const Kind& kind : {Kind{SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 37, "wav"}, Kind{SF_FORMAT_WAV | SF_FORMAT_PCM_32, 140, "wav"},
                           Kind{SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 299, "wav"}, Kind{SF_FORMAT_WAVEX | SF_FORMAT_PCM_24, 134, "wav"},
                           Kind{SF_FORMAT_WAVEX | SF_FORMAT_FLOAT, 299, "wav"}, Kind{SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 85, "wav"},
                           Kind{SF_FORMAT_WAV | SF_FORMAT_ULAW, 30, "wav"}, Kind{SF_FORMAT_AIFF | SF_FORMAT_PCM_24, 134, "aiff"},
                           Kind{SF_FORMAT_CAF | SF_FORMAT_PCM_16, 85, "caf"}}) {
    SF_INFO info{};
    info.samplerate = 44100;
    info.channels = 2;
    info.format = kind.format;
    SNDFILE* file = sf_open(scratch("kind").c_str(), SFM_WRITE, &info);
    ASSERT_TRUE(file);
    sf_writef_float(file, interleaved.data(), sf_count_t(in.frames()));
    sf_close(file);
    EXPECT_EQ(open_reader(scratch("kind"))->info().container, kind.container);
    const AudioBuffer out = read_audio(scratch("kind"));
    ASSERT_EQ(out.frames(), in.frames());
    for (std::size_t c = 0; c < 2; ++c) EXPECT_GT(snr_db(in.channels[c], out.channels[c]), kind.min_snr) << std::hex << kind.format;
  }
}

TEST(AudioIo, ReadsTheSoundOfVideoContainers) {
  const AudioBuffer in = chord(48000, 2, 1);
  write_audio(scratch("source.m4a"), in);
  write_audio(scratch("source.opus"), in);
  write_audio(scratch("source.flac"), in);
  struct Remux {
    const char *source, *target, *muxer, *container, *codec;
    double min_snr;
    std::size_t delay = 0;
  };
  for (const Remux& remux : {Remux{"source.m4a", "sound.mp4", "mp4", "mp4", "aac", 20},
                             Remux{"source.m4a", "sound.mkv", "matroska", "matroska", "aac", 20, 1024},
                             Remux{"source.opus", "sound.webm", "webm", "matroska", "opus", 15},
                             Remux{"source.flac", "sound.mka", "matroska", "matroska", "flac", 138}}) {
    remux_audio(scratch(remux.source), scratch(remux.target), remux.muxer);
    const auto reader = open_reader(scratch(remux.target));
    EXPECT_EQ(reader->info().container, remux.container);
    EXPECT_EQ(reader->info().codec, remux.codec);
    const AudioBuffer out = read_all(*reader);
    // Copied like this, AAC in Matroska says neither where its priming nor where its padding ends.
    ASSERT_NEAR(double(out.frames()), double(in.frames()), 2048) << remux.target;
    for (std::size_t c = 0; c < 2; ++c) {
      const std::vector<float> got(out.channels[c].begin() + std::ptrdiff_t(remux.delay), out.channels[c].end());
      EXPECT_GT(snr_db(in.channels[c], got), remux.min_snr) << remux.target;
    }
  }
}

TEST(AudioIo, ReadsPieceByPieceWhatItReadsAtOnce) {
  const AudioBuffer in = chord(44100, 2, 3.5);
  write_audio(scratch("pieces.opus"), in);
  remux_audio(scratch("pieces.opus"), scratch("pieces.mkv"), "matroska", {.drop_from_s = 1, .drop_to_s = 2.5});
  for (const char* name :
       {"pieces.wav", "pieces.flac", "pieces.mp3", "pieces.ogg", "pieces.opus", "pieces.m4a", "pieces.mkv", "pieces.raw"}) {
    const ReadOptions options{std::string(name).ends_with("raw") ? std::optional(RawFormat{44100, 2, "s16"}) : std::nullopt};
    if (!std::string(name).ends_with("mkv")) write_audio(scratch(name), in);
    const auto whole_reader = open_reader(scratch(name), options);
    AudioBuffer whole;
    ASSERT_TRUE(whole_reader->read(whole, std::numeric_limits<std::size_t>::max())) << name;
    ASSERT_NEAR(whole.seconds(), 3.5, 0.1) << name << ": a read is filled";
    for (const std::size_t first : {1u, 70'000u}) {
      const auto reader = open_reader(scratch(name), options);
      AudioBuffer parts(whole.rate, 2), block;
      for (std::size_t length = first; reader->read(block, length); length = first > 1 ? first : length * 3 % 1009 + 1) {
        ASSERT_EQ(block.frames(), std::min(length, whole.frames() - parts.frames())) << name << " after " << parts.frames();
        for (std::size_t c = 0; c < 2; ++c)
          parts.channels[c].insert(parts.channels[c].end(), block.channels[c].begin(), block.channels[c].end());
      }
      EXPECT_TRUE(block.empty());
      EXPECT_EQ(parts.channels, whole.channels) << name;
      EXPECT_FALSE(reader->read(block, 100)) << "the end stays the end";
    }
  }
}

TEST(AudioIo, SameSoundSameBytes) {
  const AudioBuffer in = chord(44100, 2, 0.3);
  for (const std::string& format : write_formats()) {
    WriteOptions options;
    options.format = format;
    options.tags = {{"title", "Twice"}};
    write_audio(scratch("first"), in, options);
    write_audio(scratch("second"), in, options);
    EXPECT_EQ(read_bytes(scratch("first")), read_bytes(scratch("second"))) << format;
  }
}

TEST(AudioIo, BitRateIsHeard) {
  const AudioBuffer in = chord(44100, 2, 3);
  for (const char* name : {"rate.mp3", "rate.ogg", "rate.opus", "rate.m4a"}) {
    WriteOptions options;
    options.bitrate_kbps = 64;
    write_audio(scratch(name), in, options);
    const auto small = fs::file_size(scratch(name));
    options.bitrate_kbps = 192;
    write_audio(scratch(name), in, options);
    EXPECT_GT(double(fs::file_size(scratch(name))), 1.5 * double(small)) << name;
  }
}

TEST(AudioIo, ClipsWhatIsTooLoud) {
  AudioBuffer in(44100, 1, 4);
  in.channels[0] = {2.0f, -2.0f, 1.0f, -1.0f};
  write_audio(scratch("loud.wav"), in);
  EXPECT_EQ(read_audio(scratch("loud.wav")).channels[0], (std::vector<float>{32767.0f / 32768, -1, 32767.0f / 32768, -1}));
}

TEST(AudioIo, UnfinishedLeavesNothing) {
  const fs::path folder = scratch("unfinished");
  fs::create_directories(folder);
  for (const std::string& format : write_formats()) {
    WriteOptions options;
    options.format = format;
    const auto writer = open_writer((folder / "song").string(), options);
    writer->write(chord(44100, 1, 0.2));
    EXPECT_FALSE(fs::exists(folder / "song")) << format;
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(AudioIo, ReplacesOnlyWhenFinished) {
  write_bytes(scratch("old.flac"), "old");
  {
    const auto writer = open_writer(scratch("old.flac"), {});
    writer->write(chord(44100, 1, 0.2));
    EXPECT_EQ(read_bytes(scratch("old.flac")), "old");
    writer->finish();
  }
  EXPECT_EQ(read_audio(scratch("old.flac")).frames(), 8820u);
}

TEST(AudioIo, RefusesWhatItCannotWrite) {
  const auto refuse = [](const std::string& name, int channels, int rate, const std::string& format = "") {
    WriteOptions options;
    options.channels = channels;
    options.rate = rate;
    options.format = format;
    return error_of(ErrorCode::usage, [&] { open_writer(scratch(name), options); });
  };
  EXPECT_NE(refuse("a.xyz", 1, 44100).find("wav24"), std::string::npos) << "the formats there are";
  EXPECT_NE(refuse("noextension", 1, 44100).find("format"), std::string::npos);
  EXPECT_NE(refuse("a.mp3", 6, 44100).find("mp3 holds up to 2 channels"), std::string::npos);
  EXPECT_NE(refuse("a.wav", 64, 96000).find("6.1 million samples a second"), std::string::npos);
  refuse("a.wav", 0, 44100);
  refuse("a.wav", 65, 44100);
  refuse("a.wav", 1, 0);
  refuse("a.wav", 1, 44100, "wav8");
  EXPECT_FALSE(fs::exists(scratch("a.mp3")));
  error_of(ErrorCode::io, [] { open_writer(scratch("no/such/folder/a.wav"), {}); });
  error_of(ErrorCode::usage, [] { open_writer(scratch("b.wav"), {})->write(AudioBuffer(48000, 1, 10)); });
  error_of(ErrorCode::usage, [] { open_writer(scratch("b.wav"), {})->write(AudioBuffer(44100, 2, 10)); });
}

TEST(AudioIo, ReadAllKnowsItsLimit) {
  write_audio(scratch("long.wav"), chord(8000, 1, 2));
  const auto reader = open_reader(scratch("long.wav"));
  EXPECT_NE(error_of(ErrorCode::bad_audio, [&] { read_all(*reader, 1); }).find("longer than 1 s"), std::string::npos);
}

}  // namespace
}  // namespace voxconv
