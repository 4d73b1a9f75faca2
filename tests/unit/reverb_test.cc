// Rooms made for the test: noise that decays as it is said, behind a voice made of tones and hisses with pauses.
#include "convert/reverb.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <type_traits>

#include "convert/cover_mix.h"
#include "convert/dereverb_reader.h"
#include "convert/reverb_tail.h"
#include "memory_sound.h"

namespace voxconv {
namespace {

constexpr int room_rate = 44100;
constexpr std::size_t room_block = 4410;

/// Syllables of changing pitch and length, a pause after each phrase of some.
AudioBuffer dry_voice(double seconds, int at = room_rate, std::size_t channels = 1) {
  AudioBuffer audio(at, channels, std::size_t(seconds * at));
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::normal_distribution<double> normal(0, 1);
  std::size_t begin = at / 5;
  for (int syllable = 0; begin < audio.frames(); ++syllable) {
    const double length = 0.12 + 0.25 * uniform(random), hz = 140 + 160 * uniform(random), level = 0.05 + 0.1 * uniform(random);
    const bool hissed = uniform(random) < 0.2;
    for (std::size_t i = 0; i < std::size_t(length * at) && begin + i < audio.frames(); ++i) {
      const double t = double(i) / at, envelope = level * std::min({1.0, t / 0.02, (length - t) / 0.03});
      double x = hissed ? 0.5 * normal(random) : 0.02 * normal(random);
      for (int k = 1; !hissed && k * hz < std::min(9000.0, 0.45 * at); ++k)
        x += std::sin(2 * M_PI * k * hz * (t + 0.002 * std::sin(35 * t))) / k;
      for (auto& channel : audio.channels) channel[begin + i] = float(envelope * x);
    }
    begin += std::size_t((length + (syllable % 6 == 5 ? 0.9 : 0.04)) * at);
  }
  return audio;
}

Reverb room_of(double decay_s, double level_db) {
  Reverb reverb;
  for (Reverb::Band& band : reverb.bands) band = {decay_s, std::pow(10, level_db / 10)};
  return reverb;
}

AudioBuffer tail_of(const AudioBuffer& voice, const Reverb& reverb) {
  ReverbTail tail(reverb, voice.rate, voice.channel_count(), room_block);
  AudioBuffer all(voice.rate, voice.channel_count());
  for (std::size_t begin = 0; begin < voice.frames(); begin += room_block) {
    AudioBuffer part(voice.rate, 0);
    for (const auto& channel : voice.channels)
      part.channels.emplace_back(channel.begin() + std::ptrdiff_t(begin),
                                 channel.begin() + std::ptrdiff_t(std::min(channel.size(), begin + room_block)));
    const AudioBuffer answer = tail.push(part);
    for (std::size_t c = 0; c < all.channel_count(); ++c)
      all.channels[c].insert(all.channels[c].end(), answer.channels[c].begin(), answer.channels[c].end());
  }
  return all;
}

AudioBuffer added(AudioBuffer a, const AudioBuffer& b) {
  for (std::size_t c = 0; c < a.channel_count(); ++c)
    for (std::size_t i = 0; i < a.frames(); ++i) a.channels[c][i] += b.channels[c][i];
  return a;
}

std::optional<Reverb> measured(const AudioBuffer& audio, std::size_t piece = 100000) {
  ReverbEstimator meter(audio.rate, audio.channel_count());
  for (std::size_t begin = 0; begin < audio.frames(); begin += piece) {
    AudioBuffer part(audio.rate, 0);
    for (const auto& channel : audio.channels)
      part.channels.emplace_back(channel.begin() + std::ptrdiff_t(begin),
                                 channel.begin() + std::ptrdiff_t(std::min(channel.size(), begin + piece)));
    meter.push(part);
  }
  return meter.estimate();
}

double power_db(const std::vector<float>& x, std::size_t from, std::size_t to) {
  double power = 0;
  for (std::size_t i = from; i < to; ++i) power += double(x[i]) * x[i];
  return 10 * std::log10(power / double(to - from) + 1e-15);
}

AudioBuffer read_all_of(AudioReader& reader, std::size_t piece) {
  AudioBuffer all(reader.info().rate, std::size_t(reader.info().channels));
  for (AudioBuffer part; reader.read(part, piece);)
    for (std::size_t c = 0; c < all.channel_count(); ++c)
      all.channels[c].insert(all.channels[c].end(), part.channels[c].begin(), part.channels[c].end());
  return all;
}

TEST(ReverbEstimator, FindsRoomsThatAreKnown) {
  const AudioBuffer voice = dry_voice(25);
  for (const double decay_s : {0.4, 1.0, 2.0})
    for (const double level_db : {0.0, -8.0}) {
      const auto reverb = measured(added(voice, tail_of(voice, room_of(decay_s, level_db))));
      ASSERT_TRUE(reverb) << decay_s << " " << level_db;
      EXPECT_NEAR(reverb->decay_s() / decay_s, 1, 0.2) << decay_s << " " << level_db;
      EXPECT_LT(reverb->level_db(), level_db + 4) << decay_s;
      EXPECT_GT(reverb->level_db(), level_db - (decay_s < 1 ? 7 : 6)) << decay_s << ": of a short one a part passes for the voice";
    }
}

TEST(ReverbEstimator, WorksAtOtherRates) {
  for (const int at : {8000, 22050, 48000, 96000}) {
    const AudioBuffer voice = dry_voice(20, at);
    const auto reverb = measured(added(voice, tail_of(voice, room_of(1, -3))));
    ASSERT_TRUE(reverb) << at;
    EXPECT_NEAR(reverb->decay_s(), 1, 0.2) << at;
  }
}

TEST(ReverbEstimator, HearsNoRoomInADryVoice) {
  EXPECT_FALSE(measured(AudioBuffer(room_rate, 2, 10 * room_rate)));
  EXPECT_FALSE(measured(AudioBuffer(room_rate, 2)));
  const AudioBuffer voice = dry_voice(25);
  EXPECT_FALSE(measured(voice));
  EXPECT_FALSE(measured(added(voice, tail_of(voice, room_of(1, -30))))) << "which is too quiet to be heard";
}

TEST(ReverbEstimator, FindsBalanceAndCorrelationWhateverThePieces) {
  const AudioBuffer voice = dry_voice(20, room_rate, 2);
  Reverb made = room_of(1, -3);
  made.left = 0.7;
  made.correlation = 0.3;
  const AudioBuffer audio = added(voice, tail_of(voice, made));
  const auto reverb = measured(audio), again = measured(audio, 777);
  ASSERT_TRUE(reverb && again);
  EXPECT_NEAR(reverb->left, 0.7, 0.1);
  EXPECT_NEAR(reverb->correlation, 0.3, 0.4) << "falls begin with the voice itself, which is in the middle";
  EXPECT_EQ(reverb->decay_s(), again->decay_s());
  EXPECT_EQ(reverb->left, again->left);
  EXPECT_EQ(measured(dry_voice(3, room_rate, 2)).has_value(), false);
}

TEST(ReverbTail, HasTheEnergyAndTheDecayThatWereAsked) {
  for (const double decay_s : {0.4, 2.0}) {
    AudioBuffer click(room_rate, 1, 4 * room_rate);
    click.channels[0][room_block - 1] = 1;
    const std::vector<float> answer = tail_of(click, room_of(decay_s, -6)).channels[0];
    double energy = 0;
    for (const float x : answer) energy += double(x) * x;
    EXPECT_NEAR(10 * std::log10(energy), -6, 0.5);
    EXPECT_LT(power_db(answer, 0, room_block + room_rate / 60), -140) << "nothing comes before the late part";
    const auto begin = std::size_t(room_block + 0.05 * room_rate), span = std::size_t(decay_s / 4 * room_rate);
    EXPECT_NEAR(power_db(answer, begin, begin + span) - power_db(answer, begin + span, begin + 2 * span), 15, 1.5);
  }
}

TEST(ReverbTail, ChannelsThatAreTheSameStaySo) {
  const AudioBuffer voice = dry_voice(3, room_rate, 2);
  const AudioBuffer same = tail_of(voice, room_of(1, 0));
  EXPECT_EQ(same.channels[0], same.channels[1]);
  Reverb wide = room_of(1, 0);
  wide.correlation = 0;
  const AudioBuffer apart = tail_of(voice, wide);
  EXPECT_NE(apart.channels[0], apart.channels[1]);
  EXPECT_NEAR(power_db(apart.channels[0], room_rate, 3 * room_rate), power_db(apart.channels[1], room_rate, 3 * room_rate), 1.5);
  EXPECT_NEAR(power_db(apart.channels[0], room_rate, 3 * room_rate), power_db(same.channels[0], room_rate, 3 * room_rate), 1.5);
}

// Its filter calls back to it: it stays where it was made.
static_assert(!std::is_copy_constructible_v<DereverbReader> && !std::is_move_constructible_v<DereverbReader>);

TEST(DereverbReader, TakesTheReverberationAndLeavesTheVoice) {
  const AudioBuffer voice = dry_voice(20, room_rate, 2), tail = tail_of(voice, room_of(1, -3)), sung = added(voice, tail);
  MemorySound source(sung);
  DereverbReader reader(source, room_of(1, -3));
  const AudioBuffer dry = read_all_of(reader, 5000);
  ASSERT_EQ(dry.frames(), sung.frames());
  double pause_before = 0, pause_after = 0, before = 0, after = 0;
  int silent = 0;  // moments of 10 ms
  for (std::size_t begin = 0; begin + 441 <= voice.frames(); begin += 441) {
    const auto db = [&](const AudioBuffer& audio) { return power_db(audio.channels[0], begin, begin + 441); };
    silent = db(voice) < -100 ? silent + 1 : 0;
    if (silent > 15) {
      pause_before += std::pow(10, db(sung) / 10);
      pause_after += std::pow(10, db(dry) / 10);
    } else if (silent == 0) {
      before += std::pow(10, db(voice) / 10);
      after += std::pow(10, db(dry) / 10);
    }
  }
  EXPECT_LT(10 * std::log10(pause_after / pause_before), -5);
  EXPECT_NEAR(10 * std::log10(after / before), 0, 3);
}

TEST(DereverbReader, ChangesNothingWhereThereIsNoReverberationAndDoesNotDependOnThePieces) {
  for (const double seconds : {0.0, 1.0 / room_rate, 0.3, 7.7}) {
    const AudioBuffer voice = dry_voice(seconds, room_rate, 2);
    MemorySound source(voice), again(voice), silent(voice);
    const Reverb reverb = room_of(1, 0);
    DereverbReader reader(source, reverb), other(again, reverb), none(silent, room_of(1, -200));
    EXPECT_EQ(read_all_of(reader, 100000).channels, read_all_of(other, 777).channels) << seconds;
    const AudioBuffer same = read_all_of(none, 5000);
    ASSERT_EQ(same.frames(), voice.frames());
    for (std::size_t i = 0; i < voice.frames(); ++i) ASSERT_NEAR(same.channels[1][i], voice.channels[1][i], 1e-5) << seconds << " " << i;
  }
}

}  // namespace
}  // namespace voxconv
