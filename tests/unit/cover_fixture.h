#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "side_separator.h"
#include "sine_voice.h"
#include "voxconv/cover.h"

namespace voxconv {

inline constexpr int cover_rate = 44100;

/// A folder for each test, and one for temporary files in it.
class Cover : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("voxconv_cover_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "tmp");
    ::setenv("TMPDIR", (folder_ / "tmp").c_str(), 1);
    set_log_callback([this](LogLevel, const std::string& text) { said_ += text + "\n"; });
  }
  void TearDown() override {
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "tmp"));
    set_log_callback({});
    ::unsetenv("TMPDIR");
    std::filesystem::remove_all(folder_);
  }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  std::string write(const std::string& name, const AudioBuffer& audio) const {
    WriteOptions options;
    options.rate = audio.rate;
    options.channels = int(audio.channel_count());
    options.format = "wavf";
    const auto writer = open_writer(file(name), options);
    writer->write(audio);
    writer->finish();
    return file(name);
  }

  AudioBuffer read(const std::string& name) const { return read_all(*open_reader(file(name))); }

  CoverReport make(const std::string& source, CoverOptions options, const Voice& voice = sine_voice(), const CancelToken& cancel = {},
                   const ProgressFn& on_progress = {}) {
    options.convert.f0 = "pyin";
    FileJob job;
    job.source = source;
    job.target = file("cover.wav");
    job.format = "wavf";
    return CoverMaker(voice, options.backing ? backing_separator() : side_separator(), options).run(job, on_progress, cancel);
  }

  std::filesystem::path folder_;
  std::string said_;
};

/// Two sung phrases with a pause between, the second much quieter, on the left; an instrument on the right.
inline AudioBuffer duet(double voice = 0.2, double music = 0.2, int at = cover_rate, double seconds = 8) {
  AudioBuffer audio(at, 2, std::size_t(seconds * at));
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const double t = double(i) / at, level = t < seconds * 0.4 ? 1 : t < seconds * 0.6 ? 0 : 0.1;
    for (int k = 1; k <= 4; ++k) audio.channels[0][i] += float(voice * level / k * std::sin(2 * M_PI * 150 * k * t));
    audio.channels[1][i] = float(music * std::sin(2 * M_PI * 523.3 * t) * std::sin(2 * M_PI * 659.2 * t));
  }
  return audio;
}

inline double channel_level_db(const std::vector<float>& x, double from_s, double to_s, int at = cover_rate) {
  double power = 0;
  for (auto i = std::size_t(from_s * at); i < std::size_t(to_s * at); ++i) power += double(x[i]) * x[i] / ((to_s - from_s) * at);
  return 10 * std::log10(power + 1e-12);
}

inline double difference_db(const AudioBuffer& a, const AudioBuffer& b) {
  double error = 0, power = 0;
  for (std::size_t c = 0; c < a.channel_count(); ++c)
    for (std::size_t i = 0; i < a.frames(); ++i) {
      error += std::pow(double(a.channels[c][i]) - b.channels[c][i], 2);
      power += std::pow(double(a.channels[c][i]), 2);
    }
  return 10 * std::log10(error / power + 1e-20);
}

}  // namespace voxconv
