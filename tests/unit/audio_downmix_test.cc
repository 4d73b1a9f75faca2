#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <random>
#include <utility>

#include "audio/downmix.h"
#include "voxconv/error.h"
#include "voxconv/mix.h"

namespace voxconv {
namespace {

constexpr int song_rate = 48000;
using Channel = std::vector<float>;

Channel sine_channel(double hz, double level = 0.2, double seconds = 3) {
  Channel channel(std::size_t(seconds * song_rate));
  for (std::size_t i = 0; i < channel.size(); ++i) channel[i] = float(level * std::sin(2 * std::numbers::pi * hz * double(i) / song_rate));
  return channel;
}

Channel scaled(Channel channel, double gain) {
  for (float& x : channel) x = float(x * gain);
  return channel;
}

Channel silence() { return scaled(sine_channel(100), 0); }

Channel mixed(const std::vector<Channel>& channels, std::size_t piece = 10000) {
  StreamDownmix downmix(channels.size(), song_rate);
  Channel mono;
  const auto add = [&](const AudioBuffer& more) { mono.insert(mono.end(), more.channels[0].begin(), more.channels[0].end()); };
  for (std::size_t i = 0; i < channels[0].size(); i += piece) {
    AudioBuffer part(song_rate, 0);
    for (const Channel& channel : channels)
      part.channels.emplace_back(channel.begin() + std::ptrdiff_t(i),
                                 channel.begin() + std::ptrdiff_t(std::min(i + piece, channel.size())));
    add(downmix.push(part));
  }
  add(downmix.finish());
  EXPECT_EQ(mono.size(), channels[0].size());
  return mono;
}

/// Level of the last two seconds, above any offset.
double level_db(const Channel& audio) {
  double sum = 0, squares = 0;
  const std::size_t from = audio.size() / 3;
  for (std::size_t i = from; i < audio.size(); ++i) sum += audio[i], squares += double(audio[i]) * audio[i];
  const double count = double(audio.size() - from);
  return 10 * std::log10(squares / count - sum * sum / count / count + 1e-20);
}

TEST(Downmix, WhatAllChannelsHoldComesOutAsItIs) {
  const Channel voice = sine_channel(300);
  for (const std::size_t count : {1, 2, 6}) {
    const Channel mono = mixed(std::vector<Channel>(count, voice));
    for (std::size_t i = 0; i < voice.size(); ++i) ASSERT_NEAR(mono[i], voice[i], 1e-6) << count;
  }
}

TEST(Downmix, KeepsAVoiceThatTheSumWouldLose) {
  const Channel voice = sine_channel(300);
  const double level = level_db(voice);
  EXPECT_NEAR(level_db(mixed({voice, scaled(voice, -1)})), level, 0.1) << "opposite phase";
  EXPECT_NEAR(level_db(mixed({voice, silence()})), level, 0.1) << "left alone";
  EXPECT_NEAR(level_db(mixed({silence(), voice})), level, 0.1) << "right alone";
  EXPECT_NEAR(level_db(mixed({silence(), silence(), voice, silence(), silence(), silence()})), level, 0.1) << "the centre of 5.1";
  EXPECT_NEAR(level_db(mixed({voice, scaled(voice, -0.9)})), level, 1) << "nearly opposite";
}

TEST(Downmix, KeepsUnrelatedChannelsInBalance) {
  const Channel left = sine_channel(3000), right = sine_channel(4100);
  const Channel mono = mixed({left, right});
  EXPECT_NEAR(level_db(mono), level_db(left), 0.2);
  double with_left = 0, with_right = 0;
  for (std::size_t i = song_rate; i < mono.size(); ++i) with_left += double(mono[i]) * left[i], with_right += double(mono[i]) * right[i];
  EXPECT_NEAR(with_left / with_right, 1, 0.1);
}

TEST(Downmix, NeitherAnOffsetNorTheBassDecides) {
  const Channel voice = sine_channel(300), bass = sine_channel(40, 0.8);
  Channel offset = silence();
  for (float& x : offset) x = 0.5f;
  EXPECT_NEAR(level_db(mixed({voice, offset})), level_db(voice), 0.3);
  const Channel mono = mixed({voice, bass});
  double with_voice = 0, voice_power = 0;
  for (std::size_t i = song_rate; i < mono.size(); ++i) {
    with_voice += double(mono[i]) * voice[i];
    voice_power += double(voice[i]) * voice[i];
  }
  EXPECT_GT(with_voice / voice_power, 0.85);
}

TEST(Downmix, DoesNotDependOnTheCut) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.1f);
  std::vector<Channel> channels(3, Channel(2 * song_rate + 1234));
  for (Channel& channel : channels)
    for (float& x : channel) x = normal(random);
  for (std::size_t i = song_rate; i < channels[1].size(); ++i) channels[1][i] = -channels[0][i];
  const Channel whole = mixed(channels, channels[0].size());
  for (const std::size_t piece : {1, 777, 48000}) EXPECT_EQ(mixed(channels, piece), whole) << piece;
}

/// A reader of a caller's own: gives what it is told to, whatever its info() says.
class AnyReader : public AudioReader {
 public:
  AnyReader(int rate, int channels, AudioBuffer audio) : audio_(std::move(audio)) {
    info_.rate = rate;
    info_.channels = channels;
  }
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t) override {
    out = std::exchange(audio_, {});
    return !out.empty();
  }

 private:
  AudioInfo info_;
  AudioBuffer audio_;
};

/// The sentence of the Error(usage) that mixing such a source ends in, alone and with others.
std::string refusal(int rate, int channels, const AudioBuffer& audio) {
  std::string said;
  const auto check = [&](const auto& act) {
    try {
      act();
      ADD_FAILURE() << "no error";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::usage) << e.what();
      said = e.what();
    }
  };
  check([&] {
    AnyReader source(rate, channels, audio);
    DownmixReader reader(source);
    for (AudioBuffer block; reader.read(block, 1000);) continue;
  });
  check([&] {
    AnyReader source(rate, channels, audio);
    read_all(source);
  });
  for (const int mixed : {1, 2}) {
    check([&] {
      AnyReader source(rate, channels, audio);
      struct : AudioWriter {
        void write(const AudioBuffer&) override {}
        void finish() override {}
      } writer;
      mix({{&source, 1}}, writer, 48000, mixed);
    });
  }
  return said;
}

TEST(Readers, ThatDoNotKeepTheirInfoAreRefused) {
  const AudioBuffer good(song_rate, 2, 100);
  EXPECT_NE(refusal(song_rate, 0, good).find("0 channels"), std::string::npos);
  refusal(song_rate, -1, good);
  refusal(0, 2, good);
  EXPECT_NE(refusal(song_rate, 3, good).find("gave 2 channels"), std::string::npos);
  refusal(song_rate, 1, good);
  refusal(44100, 2, good);
  AudioBuffer uneven = good;
  uneven.channels[1].resize(50);
  EXPECT_NE(refusal(song_rate, 2, uneven).find("equally long"), std::string::npos);
}

TEST(Readers, WhatTheyThrowPasses) {
  struct : AudioReader {
    const AudioInfo& info() const override { return told; }
    bool read(AudioBuffer&, std::size_t) override { throw std::runtime_error("the connection is lost"); }
    AudioInfo told;
  } source;
  source.told.rate = song_rate;
  source.told.channels = 2;
  struct : AudioWriter {
    void write(const AudioBuffer&) override { throw std::length_error("too long for me"); }
    void finish() override {}
  } writer;
  EXPECT_THROW(read_all(source), std::runtime_error);
  EXPECT_THROW(mix({{&source, 1}}, writer, song_rate, 1), std::runtime_error);
  AnyReader good(song_rate, 1, AudioBuffer(song_rate, 1, song_rate)), again(song_rate, 1, AudioBuffer(song_rate, 1, song_rate));
  EXPECT_THROW(mix({{&good, 1}}, writer, song_rate, 1), std::length_error);
  struct : AudioWriter {
    void write(const AudioBuffer&) override {}
    void finish() override {}
  } sink;
  EXPECT_THROW(mix({{&again, 1}}, sink, song_rate, 1, [](const Progress&) { throw std::out_of_range("stop"); }), std::out_of_range);
}

TEST(Readers, OneSampleThatIsNoNumberCostsNoOther) {
  AudioBuffer audio(song_rate, 0);
  audio.channels = {sine_channel(300), sine_channel(300)};
  const Channel clean = mixed(audio.channels);
  audio.channels[0][1000] = std::numeric_limits<float>::quiet_NaN();
  audio.channels[1][2000] = std::numeric_limits<float>::infinity();
  AnyReader source(song_rate, 2, audio);
  DownmixReader reader(source);
  const AudioBuffer mono = read_all(reader);
  ASSERT_EQ(mono.frames(), clean.size());
  for (const float x : mono.channels[0]) ASSERT_TRUE(std::isfinite(x));
  EXPECT_NEAR(level_db(mono.channels[0]), level_db(clean), 0.1);
}

}  // namespace
}  // namespace voxconv
