#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

#include "audio/ffmpeg_process.h"
#include "voxconv/audio_io.h"
#include "voxconv/error.h"

namespace voxconv::testing_audio {

namespace fs = std::filesystem;

/// As programs do: what FFmpeg thinks of damaged files does not belong between the results.
inline const bool ffmpeg_is_restrained = (restrain_ffmpeg(), true);

/// A path of this process's own; the folder goes away with the process's last test.
inline std::string scratch(const std::string& name) {
  struct Folder {
    fs::path path = fs::path(testing::TempDir()) / ("voxconv_audio_" + std::to_string(::getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
  };
  static const Folder folder;
  return (folder.path / name).string();
}

/// Three partials below a fifth of the rate, others in each channel, at most 0.75 in sum, fading in and out within 10 ms.
inline AudioBuffer chord(int rate, int channels, double seconds) {
  AudioBuffer audio(rate, std::size_t(channels), std::size_t(std::lround(seconds * rate)));
  const double top = 0.2 * rate, fade = 0.01 * rate;
  for (std::size_t c = 0; c < audio.channel_count(); ++c)
    for (std::size_t i = 0; i < audio.frames(); ++i) {
      double x = 0;
      for (int k = 1; k <= 3; ++k)
        x += 0.25 * std::sin(2 * std::numbers::pi * (0.07 + 0.013 * double(c % 8)) * k * top * double(i) / rate + k);
      const double edge = double(std::min(i + 1, audio.frames() - i));
      audio.channels[c][i] = float(x * std::min(1.0, edge / fade));
    }
  return audio;
}

inline double peak(const std::vector<float>& x) {
  double top = 0;
  for (const float v : x) top = std::max(top, std::abs(double(v)));
  return top;
}

/// Signal to error in dB over frames [skip, end - skip) of one channel; 300 if they agree.
inline double snr_db(const std::vector<float>& wanted, const std::vector<float>& got, std::size_t skip = 0) {
  double signal = 0, error = 0;
  for (std::size_t i = skip; i + skip < std::min(wanted.size(), got.size()); ++i) {
    signal += double(wanted[i]) * wanted[i];
    error += (double(got[i]) - wanted[i]) * (double(got[i]) - wanted[i]);
  }
  return error == 0 ? 300 : 10 * std::log10(signal / error);
}

inline void write_audio(const std::string& path, const AudioBuffer& audio, WriteOptions options = {}) {
  options.rate = audio.rate;
  options.channels = int(audio.channel_count());
  const auto writer = open_writer(path, options);
  writer->write(audio);
  writer->finish();
}

inline AudioBuffer read_audio(const std::string& path, const ReadOptions& options = {}) {
  const auto reader = open_reader(path, options);
  return read_all(*reader);
}

inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
}

/// The sentence of the Error(code) that `act` throws.
template <typename Act>
std::string error_of(ErrorCode code, Act act) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_STREQ(to_string(error.code()), to_string(code)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error where " << to_string(code) << " was due";
  return {};
}

}  // namespace voxconv::testing_audio
