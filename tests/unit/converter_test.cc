// The converter over voices and sources made for the test: no weights, no files.
#include "voxconv/converter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <thread>

#include "convert/key_choice.h"
#include "convert/spool.h"
#include "core/fail.h"
#include "nn/device.h"
#include "sine_voice.h"
#include "voxconv/batch.h"
#include "voxconv/f0.h"
#include "voxconv/process.h"
#include "voxconv/progress.h"

namespace voxconv {
namespace {

class MemoryReader : public AudioReader {
 public:
  explicit MemoryReader(AudioBuffer audio) : audio_(std::move(audio)) {
    info_.rate = audio_.rate;
    info_.channels = int(audio_.channel_count());
    info_.frames = std::int64_t(audio_.frames());
  }
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override {
    const std::size_t count = std::min(max_frames, audio_.frames() - place_);
    out = AudioBuffer(audio_.rate, audio_.channel_count(), count);
    for (std::size_t c = 0; c < audio_.channel_count(); ++c)
      std::copy_n(audio_.channels[c].begin() + std::ptrdiff_t(place_), count, out.channels[c].begin());
    place_ += count;
    return count > 0;
  }

 private:
  AudioBuffer audio_;
  AudioInfo info_;
  std::size_t place_ = 0;
};

class MemoryWriter : public AudioWriter {
 public:
  void write(const AudioBuffer& audio) override {
    if (audio_.channels.empty()) audio_ = AudioBuffer(audio.rate, audio.channel_count());
    for (std::size_t c = 0; c < audio.channel_count(); ++c)
      audio_.channels[c].insert(audio_.channels[c].end(), audio.channels[c].begin(), audio.channels[c].end());
  }
  void finish() override { finished = true; }
  AudioBuffer audio_;
  bool finished = false;
};

/// A voice that does what it is told to instead of singing.
Voice breaking_voice(std::function<void()> breaks) {
  struct Stream : VoiceStream {
    explicit Stream(std::function<void()> act) : breaks(std::move(act)) {}
    std::vector<float> push(const FeatureFrames&, bool) override {
      breaks();
      return {};
    }
    std::function<void()> breaks;
  };
  struct Model : SineVoice {
    std::unique_ptr<VoiceStream> start(const SynthesisOptions&) const override { return std::make_unique<Stream>(breaks); }
    std::function<void()> breaks;
  };
  auto model = std::make_shared<Model>();
  model->breaks = std::move(breaks);
  auto impl = std::make_shared<Voice::Impl>(sine_voice().impl());
  impl->model = model;
  return Voice(std::move(impl));
}

AudioBuffer tone(double hz, double seconds, double amplitude = 0.2, int rate = 48000, std::size_t channels = 1) {
  AudioBuffer audio(rate, channels, std::size_t(seconds * rate));
  for (auto& channel : audio.channels)
    for (std::size_t i = 0; i < channel.size(); ++i)
      for (int k = 1; k <= 4; ++k) channel[i] += float(amplitude / k * std::sin(2 * M_PI * hz * k * double(i) / rate));
  return audio;
}

AudioBuffer convert(const AudioBuffer& source, ConvertOptions options, ConvertReport* report = nullptr) {
  if (options.f0 == "auto") options.f0 = "pyin";
  MemoryReader reader(source);
  MemoryWriter writer;
  Converter converter(sine_voice(), options);
  const ConvertReport result = converter.run(reader, writer);
  if (report) *report = result;
  EXPECT_TRUE(writer.finished);
  return writer.audio_;
}

double frequency(const AudioBuffer& audio) {
  const auto& x = audio.channels[0];
  const torch::Tensor middle = torch::tensor(at::ArrayRef<float>(x.data() + x.size() / 4, x.size() / 2));
  const torch::Tensor spectrum = torch::fft::rfft(middle * torch::hann_window(middle.size(0)), 1 << 18).abs();
  return spectrum.argmax().item<double>() * audio.rate / double(1 << 18);
}

TEST(Converter, KeepsPitchAndLength) {
  const AudioBuffer out = convert(tone(220, 3), {});
  EXPECT_EQ(out.rate, voice_rate);
  EXPECT_EQ(out.frames(), std::size_t(3 * voice_rate));
  EXPECT_NEAR(frequency(out), 220, 1);
}

TEST(Converter, ShiftsTheKey) {
  ConvertOptions options;
  options.key = 7;
  EXPECT_NEAR(frequency(convert(tone(220, 3), options)), 220 * std::exp2(7 / 12.0), 1.5);
}

TEST(Converter, ChoosesAKeyWithinTheVoice) {
  ConvertOptions options;
  options.key_auto = true;
  ConvertReport report;
  EXPECT_NEAR(frequency(convert(tone(500, 3), options, &report)), 250, 2);
  EXPECT_EQ(report.key, -12);
}

TEST(Converter, HandlesTheVeryShortAndTheSilent) {
  EXPECT_EQ(convert(tone(220, 0.05), {}).frames(), std::size_t(std::lround(0.05 * voice_rate)));
  const AudioBuffer silent = convert(tone(220, 2, 0), {});
  EXPECT_EQ(silent.frames(), std::size_t(2 * voice_rate));
  for (float x : silent.channels[0]) ASSERT_EQ(x, 0);
}

TEST(Converter, AFewFramesGiveASoundOfTheirLength) {
  for (const int rate : {8000, 44100, 96000})
    for (const double wet : {1.0, 0.5})
      for (std::size_t frames = 1; frames <= 3; ++frames) {
        AudioBuffer source(rate, 1, frames);
        source.channels[0].assign(frames, 0.1f);
        ConvertOptions options;
        options.wet = wet;
        const auto length = std::max(1l, std::lround(double(frames) * voice_rate / rate));
        EXPECT_EQ(convert(source, options).frames(), std::size_t(length)) << frames << " at " << rate;
      }
}

/// Standard input from a pipe into which `bytes` are written a few at a time.
class PipedInput {
 public:
  explicit PipedInput(std::string bytes) : bytes_(std::move(bytes)), saved_(::dup(STDIN_FILENO)) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    writer_ = std::thread([this, end = ends[1]] {
      for (std::size_t at = 0; at < bytes_.size();) {
        const ssize_t count = ::write(end, bytes_.data() + at, std::min<std::size_t>(3333, bytes_.size() - at));
        if (count <= 0) break;
        at += std::size_t(count);
      }
      ::close(end);
    });
  }
  ~PipedInput() {
    writer_.join();
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  std::string bytes_;
  int saved_;
  std::thread writer_;
};

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& extension)
      : path(testing::TempDir() + "voxconv_converter_" + std::to_string(::getpid()) + "." + extension) {}
  ~TemporaryFile() { std::remove(path.c_str()); }
  const std::string path;
};

/// The conversion of a file in pieces of so many seconds, with a window's border in it.
AudioBuffer convert_file_in_pieces(const std::string& path, double chunk_s, bool key_auto = false, const ReadOptions& read = {}) {
  ConvertOptions options;
  options.f0 = "pyin";
  options.chunk_s = chunk_s;
  options.key_auto = key_auto;
  const auto reader = open_reader(path, read);
  MemoryWriter writer;
  Converter(sine_voice(), options).run(*reader, writer);
  return writer.audio_;
}

class AnyReader : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Converter, AnyReader, testing::Values("wavf", "flac", "ogg", "m4a", "mp3"));

TEST_P(AnyReader, AnyPieceSizeGivesTheSameBits) {
  const std::string format = GetParam();
  const TemporaryFile file(format == "wavf" ? "wav" : format);
  WriteOptions write;
  write.rate = 16000;
  write.channels = 2;
  write.format = format;
  const auto writer = open_writer(file.path, write);
  AudioBuffer source = tone(220, 13, 0.2, write.rate, 2);
  for (float& x : source.channels[1]) x *= 0.6f;
  writer->write(source);
  writer->finish();
  const AudioBuffer whole = convert_file_in_pieces(file.path, 0);
  EXPECT_NEAR(whole.seconds(), 13, 0.1);
  EXPECT_EQ(convert_file_in_pieces(file.path, 0.37).channels, whole.channels);
  EXPECT_EQ(convert_file_in_pieces(file.path, 600).channels, whole.channels);
}

TEST(Converter, APipeGivesTheBitsOfAFileInAnyPieces) {
  const TemporaryFile file("raw");
  WriteOptions write;
  write.rate = write.raw.rate = 16000;
  write.channels = write.raw.channels = 1;
  write.format = "raw";
  write.raw.sample_format = "f32";
  const auto writer = open_writer(file.path, write);
  writer->write(tone(220, 13, 0.2, write.rate));
  writer->finish();
  const ReadOptions read{write.raw};
  const AudioBuffer whole = convert_file_in_pieces(file.path, 0, false, read);
  std::ifstream stream(file.path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  for (const double chunk_s : {0.0, 0.37}) {
    const PipedInput input(bytes);
    EXPECT_EQ(convert_file_in_pieces("-", chunk_s, false, read).channels, whole.channels) << chunk_s;
  }
  // The temporary file of an automatic key is a reader, too.
  EXPECT_EQ(convert_file_in_pieces(file.path, 0.37, true, read).channels, convert_file_in_pieces(file.path, 0, true, read).channels);
}

TEST(Converter, AFileComesInThePiecesThatTheChunkAsksFor) {
  struct Watched : AudioReader {
    explicit Watched(std::unique_ptr<AudioReader> reader) : source(std::move(reader)) {}
    const AudioInfo& info() const override { return source->info(); }
    bool read(AudioBuffer& out, std::size_t max_frames) override {
      const bool more = source->read(out, max_frames);
      if (more) pieces.push_back(out.frames());
      return more;
    }
    std::unique_ptr<AudioReader> source;
    std::vector<std::size_t> pieces;
  };
  const TemporaryFile target("wav");
  const std::string& path = target.path;
  const AudioBuffer source = tone(220, 8);
  WriteOptions format;
  format.rate = source.rate;
  format.format = "wavf";
  const auto file = open_writer(path, format);
  file->write(source);
  file->finish();
  ConvertOptions options;
  options.f0 = "pyin";
  options.chunk_s = 3;
  Watched reader(open_reader(path));
  MemoryWriter writer;
  Converter(sine_voice(), options).run(reader, writer);
  EXPECT_EQ(reader.pieces, (std::vector<std::size_t>{144000, 144000, 96000}));
  EXPECT_EQ(writer.audio_.channels, convert(source, options).channels) << "the same bits as from memory, as bench reads";
}

TEST(Converter, KeepsStereoOnRequest) {
  AudioBuffer stereo = tone(220, 2, 0.2, 44100, 2);
  for (float& x : stereo.channels[1]) x *= 0.1f;
  ConvertOptions options;
  EXPECT_EQ(convert(stereo, options).channel_count(), 1u);
  options.keep_stereo = true;
  const AudioBuffer out = convert(stereo, options);
  ASSERT_EQ(out.channel_count(), 2u);
  const auto peak = [&](std::size_t c) { return *std::max_element(out.channels[c].begin() + 20000, out.channels[c].begin() + 60000); };
  EXPECT_NEAR(peak(1) / peak(0), 0.1, 0.02);
}

TEST(Converter, DryIsTheSourceInPlace) {
  ConvertOptions options;
  options.wet = 0;
  const AudioBuffer source = tone(220, 3, 0.2, voice_rate), out = convert(source, options);
  ASSERT_EQ(out.frames(), source.frames());
  for (std::size_t i = 1000; i < out.frames() - 1000; ++i) ASSERT_NEAR(out.channels[0][i], source.channels[0][i], 1e-4) << i;
}

TEST(Converter, NeverExceedsTheCeiling) {
  ConvertOptions options;
  options.gain_db = 24;
  ConvertReport report;
  const AudioBuffer out = convert(tone(220, 3, 0.5), options, &report);
  const auto [low, high] = std::minmax_element(out.channels[0].begin(), out.channels[0].end());
  EXPECT_LE(std::max(-*low, *high), std::pow(10, -1.0 / 20) + 1e-4);
  EXPECT_GT(report.limiter_gain_db, 3);
}

TEST(Converter, WhatBreaksInsideIsAnError) {
  ConvertOptions options;
  options.f0 = "pyin";
  const auto code = [&](std::function<void()> breaks) {
    MemoryReader reader(tone(220, 1));
    MemoryWriter writer;
    try {
      Converter(breaking_voice(std::move(breaks)), options).run(reader, writer);
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << "one sentence: " << e.what();
      return e.code();
    }
    return ErrorCode::usage;
  };
  EXPECT_EQ(code([] { throw std::bad_alloc(); }), ErrorCode::device);
  EXPECT_EQ(code([] { torch::empty({std::int64_t{1} << 60}); }), ErrorCode::device) << "more than any machine has";
  EXPECT_EQ(code([] { torch::zeros({2}).view({3}); }), ErrorCode::internal);
  EXPECT_EQ(code([] { throw std::out_of_range("at"); }), ErrorCode::internal);
}

TEST(Converter, WhatTheCallerThrowsComesOutAsItIs) {
  struct Mine {};
  struct LostReader : MemoryReader {
    using MemoryReader::MemoryReader;
    bool read(AudioBuffer&, std::size_t) override { throw std::runtime_error("the connection is lost"); }
  };
  struct FullWriter : MemoryWriter {
    void write(const AudioBuffer&) override { throw std::length_error("full"); }
  };
  for (const bool key_auto : {false, true}) {
    ConvertOptions options;
    options.f0 = "pyin";
    options.key_auto = key_auto;
    Converter converter(sine_voice(), options);
    MemoryWriter writer;
    LostReader lost(tone(220, 1));
    EXPECT_THROW(converter.run(lost, writer), std::runtime_error);
    FullWriter full;
    MemoryReader first(tone(220, 1)), second(tone(220, 1)), third(tone(220, 1));
    EXPECT_THROW(converter.run(first, full), std::length_error);
    EXPECT_THROW(converter.run(second, writer, [](const Progress&) { throw std::runtime_error("stop"); }), std::runtime_error);
    EXPECT_THROW(converter.run(third, writer, [](const Progress&) { throw Mine(); }), Mine);
  }
}

TEST(Converter, AReaderThatDoesNotKeepItsInfoIsRefused) {
  struct Liar : MemoryReader {
    Liar() : MemoryReader(tone(220, 1, 0.2, 48000, 2)) { told = MemoryReader::info(); }
    const AudioInfo& info() const override { return told; }
    AudioInfo told;
  };
  for (const int channels : {0, 1, 3})
    for (const bool keep_stereo : {false, true}) {
      ConvertOptions options;
      options.f0 = "pyin";
      options.keep_stereo = keep_stereo;
      Liar reader;
      reader.told.channels = channels;
      MemoryWriter writer;
      try {
        Converter(sine_voice(), options).run(reader, writer);
        ADD_FAILURE() << channels;
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::usage) << e.what();
      }
    }
}

/// TMPDIR for a while.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const char* folder) {
    if (const char* before = std::getenv("TMPDIR")) before_ = before;
    ::setenv("TMPDIR", folder, 1);
  }
  ~TemporaryFolder() { before_ ? ::setenv("TMPDIR", before_->c_str(), 1) : ::unsetenv("TMPDIR"); }

 private:
  std::optional<std::string> before_;
};

TEST(Converter, OfAFileNothingIsKeptToChooseTheKey) {
  const TemporaryFile source("source.wav"), target("target.wav");
  WriteOptions format;
  format.rate = 16000;
  const auto writer = open_writer(source.path, format);
  writer->write(tone(500, 2, 0.2, 16000));
  writer->finish();
  ConvertOptions options;
  options.f0 = "pyin";
  options.key_auto = true;
  Converter converter(sine_voice(), options);
  const TemporaryFolder none("/nonexistent");
  EXPECT_EQ(convert_file(converter, {source.path, target.path}).key, -12);
  const auto reader = open_reader(source.path);
  MemoryWriter kept;
  EXPECT_THROW(converter.run(*reader, kept), Error) << "which cannot be known to be a file";
}

TEST(Spool, HasALimit) {
  MemoryReader within(tone(220, 1, 0.2, 8000)), beyond(tone(220, 1, 0.2, 8000));
  Spool fits(within, 8000 * 4);
  AudioBuffer block;
  while (fits.read(block, 1000)) continue;
  Spool small(beyond, 8000 * 4 - 1);
  try {
    while (small.read(block, 1000)) continue;
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::io);
    EXPECT_NE(std::string(e.what()).find("--key auto"), std::string::npos) << e.what();
  }
}

TEST(Converter, ChangesNothingOfTheProcessUnasked) {
  const int threads = at::get_num_threads();
  const bool tf32 = at::globalContext().allowTF32CuDNN();
  nn::set_threads(0);
  F0Options f0;
  f0.estimator = "pyin";
  f0.device = "cpu";
  MemoryReader reader(tone(220, 1));
  estimate_f0(reader, f0);
  convert(tone(220, 1), {});
  volatile float tiny = 4e-39f;
  EXPECT_EQ(at::get_num_threads(), threads);
  EXPECT_EQ(at::globalContext().allowTF32CuDNN(), tf32);
  EXPECT_NE(tiny * 0.5f, 0.0f) << "denormals are kept";
  std::thread([&] {  // denormals are a thread's own
    prepare_process();
    EXPECT_EQ(tiny * 0.5f, 0.0f);
    EXPECT_FALSE(at::globalContext().allowTF32CuDNN());
  })
      .join();
  at::globalContext().setAllowTF32CuDNN(tf32);
  at::set_num_threads(threads);
}

TEST(Converter, StopsWhenAsked) {
  MemoryReader reader(tone(220, 30));
  MemoryWriter writer;
  CancelToken token;
  ConvertOptions options;
  options.f0 = "pyin";
  Converter converter(sine_voice(), options);
  EXPECT_THROW(converter.run(
                   reader, writer, [&](const Progress&) { token.cancel(); }, token),
               Error);
  EXPECT_FALSE(writer.finished);
}

/// Hisses as loud as the frames say, whether they have a pitch or not.
class HissVoice : public SineVoice {
 public:
  struct Stream : VoiceStream {
    std::vector<float> push(const FeatureFrames& frames, bool) override {
      std::vector<float> out;
      for (std::int64_t t = 0; t < frames.size(); ++t)
        for (int i = 0; i < voice_hop; ++i) out.push_back(float((i % 2 ? 1 : -1) * std::exp(frames.loudness[t].item<float>())));
      return out;
    }
  };
  std::unique_ptr<VoiceStream> start(const SynthesisOptions&) const override { return std::make_unique<Stream>(); }
};

/// Gives the same sample always.
class BrokenVoice : public SineVoice {
 public:
  explicit BrokenVoice(float sample) : sample_(sample) {}
  struct Stream : VoiceStream {
    explicit Stream(float sample) : sample(sample) {}
    std::vector<float> push(const FeatureFrames& frames, bool) override {
      return std::vector<float>(std::size_t(frames.size() * voice_hop), sample);
    }
    float sample;
  };
  std::unique_ptr<VoiceStream> start(const SynthesisOptions&) const override { return std::make_unique<Stream>(sample_); }

 private:
  float sample_;
};

Voice voice_of(std::shared_ptr<VoiceModel> model) {
  auto impl = std::make_shared<Voice::Impl>(sine_voice().impl());
  impl->model = std::move(model);
  return Voice(std::move(impl));
}

AudioBuffer convert_with(const Voice& voice, const AudioBuffer& source, ConvertOptions options = {}) {
  options.f0 = "pyin";
  MemoryReader reader(source);
  MemoryWriter writer;
  Converter(voice, options).run(reader, writer);
  return writer.audio_;
}

double level_db(const AudioBuffer& audio, double from_s, double to_s) {
  double power = 0;
  const auto from = std::size_t(from_s * audio.rate), to = std::size_t(to_s * audio.rate);
  for (std::size_t i = from; i < to; ++i) power += double(audio.channels[0][i]) * audio.channels[0][i] / double(to - from);
  return 10 * std::log10(power + 1e-24);
}

TEST(Converter, WhatLiesBelowAVoiceNeitherSoundsNorCounts) {
  AudioBuffer clean = tone(220, 5);
  std::fill(clean.channels[0].begin() + 2 * clean.rate, clean.channels[0].begin() + 3 * clean.rate, 0.f);  // a rest
  AudioBuffer dirty = clean;
  for (std::size_t i = 0; i < dirty.frames(); ++i)
    dirty.channels[0][i] += float(0.05 + 0.045 * std::sin(2 * M_PI * 25 * double(i) / dirty.rate));
  const Voice voice = voice_of(std::make_shared<HissVoice>());
  const AudioBuffer wanted = convert_with(voice, clean), out = convert_with(voice, dirty);
  EXPECT_LT(level_db(out, 2.3, 2.7), -70);
  EXPECT_NEAR(level_db(out, 0.5, 1.8), level_db(wanted, 0.5, 1.8), 0.5);
  EXPECT_NEAR(level_db(out, 3.3, 4.8), level_db(wanted, 3.3, 4.8), 0.5);
}

TEST(Converter, ChannelsThatCancelAreConverted) {
  AudioBuffer stereo = tone(220, 3, 0.2, 44100, 2);
  const double level = level_db(convert(stereo, {}), 0.5, 2.5);
  for (float& x : stereo.channels[1]) x = -x;
  EXPECT_NEAR(level_db(convert(stereo, {}), 0.5, 2.5), level, 0.5);
  for (float& x : stereo.channels[1]) x = 0;
  EXPECT_NEAR(level_db(convert(stereo, {}), 0.5, 2.5), level, 0.5);
}

TEST(Converter, AQuietSourceIsConvertedAsALoudOne) {
  const AudioBuffer loud = convert(tone(220, 4, 0.2), {});
  for (const double quieter : {40.0, 60.0}) {
    const double gain = std::pow(10, -quieter / 20);
    const AudioBuffer quiet = convert(tone(220, 4, 0.2 * gain), {});
    EXPECT_NEAR(level_db(quiet, 0.5, 3.5), level_db(loud, 0.5, 3.5) - quieter, 0.5);
    EXPECT_NEAR(frequency(quiet), 220, 1);
  }
}

TEST(Converter, ASilentResultOfASungSourceIsAnError) {
  for (const float sample : {0.f, std::numeric_limits<float>::quiet_NaN()}) {
    MemoryReader reader(tone(220, 3));
    MemoryWriter writer;
    ConvertOptions options;
    options.f0 = "pyin";
    try {
      Converter(voice_of(std::make_shared<BrokenVoice>(sample)), options).run(reader, writer);
      ADD_FAILURE() << sample;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::bad_model);
    }
    EXPECT_FALSE(writer.finished);
  }
  // Where nobody sings there is nothing to miss.
  EXPECT_EQ(convert_with(voice_of(std::make_shared<BrokenVoice>(0.f)), tone(220, 2, 0)).frames(), std::size_t(2 * voice_rate));
}

TEST(Converter, SaysWhatTheVoiceOrTheEstimatorCannotReach) {
  const auto warnings = [](const AudioBuffer& source, double key, const std::string& f0 = "pyin") {
    std::vector<std::string> texts;
    set_log_callback([&](LogLevel level, const std::string& text) {
      if (level == LogLevel::warning) texts.push_back(text);
    });
    ConvertOptions options;
    options.key = key;
    options.f0 = f0;
    convert(source, options);
    set_log_callback({});
    return texts;
  };
  // The voice reaches 79 to 400 Hz.
  const AudioBuffer high = tone(600, 3);
  ASSERT_EQ(warnings(high, 0).size(), 1u);
  EXPECT_NE(warnings(high, 0)[0].find("another key"), std::string::npos);
  EXPECT_EQ(warnings(high, -12).size(), 0u);
  AudioBuffer whistle(44100, 1, 3 * 44100);
  for (std::size_t i = 0; i < whistle.frames(); ++i) whistle.channels[0][i] = float(0.2 * std::sin(2 * M_PI * 2800 * double(i) / 44100));
  const auto missed = warnings(whistle, 0, "swiftf0");
  EXPECT_EQ(std::count_if(missed.begin(), missed.end(),
                          [](const std::string& text) { return text.find("not found in 50 to 2000 Hz") != std::string::npos; }),
            1);
}

TEST(Converter, TheKeyIsThatOfTheWholeSong) {
  AudioBuffer late = tone(500, 62, 0, 16000);
  const AudioBuffer song = tone(500, 4, 0.2, 16000);
  late.channels[0].insert(late.channels[0].end(), song.channels[0].begin(), song.channels[0].end());
  ConvertOptions options;
  options.key_auto = true;
  ConvertReport report;
  convert(late, options, &report);
  EXPECT_EQ(report.key, -12);
}

TEST(Converter, AChosenKeyIsAsGoodAsAGivenOne) {
  AudioBuffer stereo = tone(500, 3, 0.2, 44100, 2);
  for (float& x : stereo.channels[1]) x *= 0.3f;
  ConvertOptions chosen, given;
  chosen.keep_stereo = given.keep_stereo = chosen.key_auto = true;
  chosen.wet = given.wet = 0.7;
  given.key = -12;
  EXPECT_EQ(convert(stereo, chosen).channels, convert(stereo, given).channels);
}

}  // namespace
}  // namespace voxconv
