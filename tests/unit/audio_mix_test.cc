#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "voxconv/error.h"
#include "voxconv/mix.h"

namespace voxconv {
namespace {

/// Gives a sound from memory in blocks of an odd size.
struct MemoryReader : AudioReader {
  explicit MemoryReader(AudioBuffer sound) : audio(std::move(sound)) {
    about.rate = audio.rate;
    about.channels = int(audio.channel_count());
    about.frames = std::int64_t(audio.frames());
  }
  const AudioInfo& info() const override { return about; }
  bool read(AudioBuffer& out, std::size_t max_frames) override {
    const std::size_t count = std::min({max_frames, std::size_t(777), audio.frames() - at});
    out = AudioBuffer(audio.rate, 0);
    for (const auto& channel : audio.channels)
      out.channels.emplace_back(channel.begin() + std::ptrdiff_t(at), channel.begin() + std::ptrdiff_t(at + count));
    at += count;
    return count > 0;
  }
  AudioBuffer audio;
  AudioInfo about;
  std::size_t at = 0;
};

struct MemoryWriter : AudioWriter {
  explicit MemoryWriter(int channels) : audio(0, std::size_t(channels)) {}
  void write(const AudioBuffer& more) override {
    for (std::size_t c = 0; c < audio.channel_count(); ++c)
      audio.channels[c].insert(audio.channels[c].end(), more.channels[c].begin(), more.channels[c].end());
  }
  void finish() override { finished = true; }
  AudioBuffer audio;
  bool finished = false;
};

AudioBuffer sine_audio(int rate, std::size_t channels, double seconds, double hz, double level) {
  AudioBuffer audio(rate, channels, std::size_t(seconds * rate));
  for (auto& channel : audio.channels)
    for (std::size_t i = 0; i < channel.size(); ++i) channel[i] = float(level * std::sin(2 * std::numbers::pi * hz * double(i) / rate));
  return audio;
}

TEST(Mix, AddsSourcesOfOtherRatesAndChannelCountsInStep) {
  MemoryReader stereo(sine_audio(44100, 2, 1.0, 200, 0.3)), slow(sine_audio(22050, 1, 0.5, 300, 0.4));
  MemoryWriter writer(2);
  EXPECT_EQ(mix({{&stereo, 1.0}, {&slow, 0.5}}, writer, 44100, 2), 0);
  EXPECT_TRUE(writer.finished);
  ASSERT_EQ(writer.audio.frames(), 44100u);
  const AudioBuffer first = sine_audio(44100, 1, 1.0, 200, 0.3), second = sine_audio(44100, 1, 1.0, 300, 0.2);
  for (std::size_t i = 1000; i < 21000; ++i)
    ASSERT_NEAR(writer.audio.channels[1][i], first.channels[0][i] + second.channels[0][i], 2e-3) << i;
  for (std::size_t i = 23000; i < 44100; ++i) ASSERT_EQ(writer.audio.channels[0][i], first.channels[0][i]) << i;
}

TEST(Mix, KeepsTheTruePeakDown) {
  MemoryReader one(sine_audio(44100, 2, 0.5, 1000, 0.9)), same(sine_audio(44100, 2, 0.5, 1000, 0.9));
  MemoryWriter writer(1);
  EXPECT_NEAR(mix({{&one, 1}, {&same, 1}}, writer, 44100, 1), 20 * std::log10(1.8) + 1, 0.1);
  for (const float x : writer.audio.channels[0]) ASSERT_LE(std::abs(x), 0.892);
}

TEST(Mix, AddsUpChannelsOfAHighRate) {
  AudioBuffer wide = sine_audio(192000, 6, 0.5, 500, 0.6);
  for (std::size_t c = 1; c < 6; ++c) wide.channels[c].assign(wide.frames(), 0.0f);
  MemoryReader reader(wide);
  MemoryWriter writer(2);
  mix({{&reader, 1}}, writer, 48000, 2);
  const AudioBuffer wanted = sine_audio(48000, 1, 0.5, 500, 0.6);  // what sounds in one channel alone keeps its level
  ASSERT_EQ(writer.audio.frames(), wanted.frames());
  for (std::size_t i = 1000; i < 23000; ++i) ASSERT_NEAR(writer.audio.channels[0][i], wanted.channels[0][i], 1e-4) << i;
  EXPECT_EQ(writer.audio.channels[0], writer.audio.channels[1]);
}

TEST(Mix, StopsWhenAsked) {
  MemoryReader one(sine_audio(44100, 1, 2, 1000, 0.5));
  MemoryWriter writer(1);
  CancelToken cancel;
  EXPECT_THROW(mix(
                   {{&one, 1}}, writer, 44100, 1, [&](const Progress&) { cancel.cancel(); }, cancel),
               Error);
  EXPECT_FALSE(writer.finished);
}

}  // namespace
}  // namespace voxconv
