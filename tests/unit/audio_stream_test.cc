#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "audio_testing.h"
#include "voxconv/progress.h"

namespace voxconv {
namespace {

using namespace testing_audio;

/// Puts another descriptor in the place of standard input or output for a while.
class Redirect {
 public:
  Redirect(int standard, int other) : standard_(standard), saved_(::dup(standard)) {
    ::dup2(other, standard);
    ::close(other);
  }
  ~Redirect() {
    ::dup2(saved_, standard_);
    ::close(saved_);
  }

 private:
  int standard_, saved_;
};

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read = ends[0];
    write = ends[1];
  }
};

/// What a writer to "-" sends down a pipe.
std::string written_to_pipe(const AudioBuffer& audio, const WriteOptions& options) {
  const Pipe pipe;
  std::string bytes;
  std::thread reader([&] {
    char block[4096];
    for (ssize_t got; (got = ::read(pipe.read, block, sizeof block)) > 0;) bytes.append(block, std::size_t(got));
    ::close(pipe.read);
  });
  {
    const Redirect redirect(STDOUT_FILENO, pipe.write);
    write_audio("-", audio, options);
  }
  reader.join();
  return bytes;
}

/// Reads "-" with those bytes in a pipe, some at a time.
AudioBuffer read_from_pipe(const std::string& bytes, const ReadOptions& options = {}) {
  const Pipe pipe;
  std::thread writer([&] {
    for (std::size_t at = 0; at < bytes.size();)
      at += std::size_t(::write(pipe.write, bytes.data() + at, std::min<std::size_t>(777, bytes.size() - at)));
    ::close(pipe.write);
  });
  const Redirect redirect(STDIN_FILENO, pipe.read);
  struct Join {
    std::thread& thread;
    ~Join() {
      char rest[4096];
      while (::read(STDIN_FILENO, rest, sizeof rest) > 0) {
      }
      thread.join();
    }
  } join{writer};
  return read_audio("-", options);
}

class StreamTrip : public testing::TestWithParam<const char*> {};

TEST_P(StreamTrip, GoesThroughPipes) {
  const AudioBuffer in = chord(48000, 2, 0.5);
  WriteOptions options;
  options.format = GetParam();
  options.tags = {{"title", "Piped"}, {"voxconv_voice", "x"}};
  const AudioBuffer out = read_from_pipe(written_to_pipe(in, options));
  ASSERT_EQ(out.rate, 48000);
  ASSERT_EQ(out.channel_count(), 2u);
  // A codec's padding stays where no index can tell of it, and FFmpeg's Vorbis decoder drops its last half block.
  EXPECT_GE(out.frames(), in.frames() - 128);
  EXPECT_LT(out.frames(), in.frames() + 4000);
  if (std::strcmp(GetParam(), "mp3") != 0) {  // its delay, too, is told in the index only
    EXPECT_GT(snr_db(in.channels[1], out.channels[1]), 15);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, StreamTrip, testing::Values("", "wav24", "wavf", "flac", "mp3", "ogg", "opus"),
                         [](const auto& test) { return *test.param ? std::string(test.param) : "byDefault"; });

TEST(Streams, WavStreamSaysThatItsLengthIsUnknown) {
  const std::string bytes = written_to_pipe(chord(8000, 1, 0.1), {});
  EXPECT_EQ(bytes.substr(4, 4), "\xff\xff\xff\xff");
  EXPECT_EQ(bytes.size(), 12 + 36 + 24 + 8 + 1600u);
  // Saved in a file it reads as well.
  write_bytes(scratch("saved.wav"), bytes);
  EXPECT_EQ(read_audio(scratch("saved.wav")).frames(), 800u);
}

TEST(Streams, RawGoesThroughPipesAndFiles) {
  const AudioBuffer in = chord(48000, 2, 0.3);
  for (const char* format : {"s16", "s24", "s32", "f32"}) {
    WriteOptions options;
    options.format = "raw";
    options.raw.sample_format = format;
    const std::string bytes = written_to_pipe(in, options);
    const ReadOptions read{RawFormat::parse(std::string("48000,2,") + format)};
    EXPECT_GT(snr_db(in.channels[1], read_from_pipe(bytes, read).channels[1]), 90) << format;
    write_audio(scratch("sound.raw"), in, options);
    EXPECT_EQ(read_bytes(scratch("sound.raw")), bytes);
    EXPECT_GT(snr_db(in.channels[1], read_audio(scratch("sound.raw"), read).channels[1]), 90) << format;
    EXPECT_EQ(open_reader(scratch("sound.raw"), read)->info().frames, 14400);
    // A last frame that is not whole is dropped.
    EXPECT_EQ(read_from_pipe(bytes.substr(0, bytes.size() - 1), read).frames(), 14399u);
  }
}

TEST(Streams, ARawPipeIsReadAsItFills) {
  const Pipe pipe;
  const Redirect redirect(STDIN_FILENO, pipe.read);
  // 50 frames and a half are there; reading gives the whole ones without waiting for more.
  const std::vector<char> bytes(101);
  ASSERT_EQ(::write(pipe.write, bytes.data(), bytes.size()), 101);
  const auto reader = open_reader("-", {RawFormat{}});
  AudioBuffer block;
  ASSERT_TRUE(reader->read(block, 1000));
  EXPECT_EQ(block.frames(), 50u);
  ::close(pipe.write);
}

TEST(Streams, RawFormatsAreParsed) {
  const RawFormat format = RawFormat::parse("44100,2,f32");
  EXPECT_EQ(format.rate, 44100);
  EXPECT_EQ(format.channels, 2);
  EXPECT_EQ(format.sample_format, "f32");
  for (const char* wrong : {"", "44100", "44100,2", "44100,2,", "44100,2,u8", "x,2,s16", "44100,y,s16", "44100 ,2,s16", "44100,2x,s16",
                            "0,1,s16", "44100,0,s16", "44100,99,s16", "99999999999999,1,s16"})
    error_of(ErrorCode::usage, [&] { RawFormat::parse(wrong); });
}

TEST(Streams, NothingInAPipeIsSaidSo) {
  error_of(ErrorCode::bad_audio, [] { read_from_pipe(""); });
  error_of(ErrorCode::bad_audio, [] { read_from_pipe("", {RawFormat{}}); });
  EXPECT_NE(error_of(ErrorCode::bad_audio, [] { read_from_pipe("This is no sound, only text. " + std::string(5000, 'x')); })
                .find("--raw RATE,CHANNELS,FORMAT"),
            std::string::npos);
}

TEST(Streams, AnIndexAtTheEndIsNotForPipes) {
  write_audio(scratch("index.m4a"), chord(44100, 2, 10));  // longer than what FFmpeg keeps of a pipe
  EXPECT_NE(error_of(ErrorCode::bad_audio, [] { read_from_pipe(read_bytes(scratch("index.m4a"))); }).find("read it from a file"),
            std::string::npos);
  WriteOptions options;
  options.format = "m4a";
  error_of(ErrorCode::usage, [&] { open_writer("-", options); });
}

TEST(Streams, AFullDiskIsSaidSo) {
  for (const char* format : {"wav", "flac", "mp3", "opus"}) {
    WriteOptions options;
    options.format = format;
    EXPECT_NE(error_of(ErrorCode::io,
                       [&] {
                         const auto writer = open_writer("/dev/full", options);
                         for (int i = 0; i < 50; ++i) writer->write(chord(44100, 1, 0.2));
                         writer->finish();
                       })
                  .find("No space left"),
              std::string::npos)
        << format;
  }
}

TEST(Streams, AFlacThatLostItsLastFramesSaysSo) {
  std::string warning;
  set_log_callback([&](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warning = text;
  });
  write_audio(scratch("whole.flac"), chord(48000, 1, 2));
  const std::string whole = read_bytes(scratch("whole.flac"));
  EXPECT_EQ(read_from_pipe(whole).frames(), 96000u);
  EXPECT_EQ(warning, "");
  const AudioBuffer rest = read_from_pipe(whole.substr(0, whole.rfind("\xff\xf8")));  // between two frames: nothing is damaged
  set_log_callback({});
  ASSERT_LT(rest.frames(), 96000u);
  EXPECT_NE(warning.find(fmt::format("{:.2f} s before its time", double(96000 - rest.frames()) / 48000)), std::string::npos) << warning;
}

}  // namespace
}  // namespace voxconv
