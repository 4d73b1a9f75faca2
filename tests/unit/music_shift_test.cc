// Music at another key: its pitch moves, the formants of its instruments stay.
#include "convert/music_shift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <type_traits>

#include "in_pieces.h"

namespace voxconv {
namespace {

// Its filter calls back to it: it stays where it was made.
static_assert(!std::is_copy_constructible_v<MusicShift> && !std::is_move_constructible_v<MusicShift>);

constexpr int music_rate = 44100;
/// What a body with two resonances makes of a string's partial.
double body(double hz) {
  const auto resonance = [&](double centre, double width) { return 1 / (1 + std::pow((hz - centre) / width, 2)); };
  return 0.01 + resonance(900, 200) + 0.5 * resonance(2800, 400);
}

/// Partials of `f0` through the body, in two channels of which one is half as loud.
AudioBuffer instrument(double f0, double seconds) {
  AudioBuffer audio(music_rate, 2, std::size_t(seconds * music_rate));
  for (int k = 1; k * f0 < 12000; ++k)
    for (std::size_t i = 0; i < audio.frames(); ++i)
      audio.channels[0][i] += float(0.05 * body(k * f0) * std::sin(2 * std::numbers::pi * k * f0 * double(i) / music_rate + k * k));
  audio.channels[1] = audio.channels[0];
  for (float& x : audio.channels[1]) x *= 0.5F;
  return audio;
}

template <class Shift>
AudioBuffer at_another_key(const AudioBuffer& audio, double semitones, std::size_t piece = 30000) {
  Shift shift(int(audio.channel_count()), audio.rate, semitones);
  return in_pieces(shift, audio, piece);
}

/// Levels in dB of the partials of `f0` up to 4 kHz, from the middle of the sound.
std::vector<double> partials(const AudioBuffer& audio, double f0) {
  const torch::Tensor x = torch::tensor(audio.channels[0]).slice(0, music_rate / 2, music_rate / 2 + 32768) * torch::hann_window(32768);
  const torch::Tensor power = torch::view_as_real(torch::fft::rfft(x)).square().sum(1);
  std::vector<double> levels;
  for (int k = 1; k * f0 < 4000; ++k) {
    const auto bin = std::int64_t(std::llround(k * f0 * 32768 / music_rate));
    levels.push_back(10 * std::log10(power.slice(0, bin - 12, bin + 13).sum().item<double>()));
  }
  return levels;
}

/// Mean distance in dB, but for the level of all.
double mean_distance(const std::vector<double>& a, const std::vector<double>& b) {
  double mean = 0, sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) mean += (a[i] - b[i]) / double(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i] - mean) / double(a.size());
  return sum;
}

TEST(MusicShift, FormantsStayWhereTheyWere) {
  const double f0 = 196;
  const AudioBuffer music = instrument(f0, 2.5);
  for (const double semitones : {-5.0, 4.0, 6.0}) {
    const double higher = f0 * std::exp2(semitones / 12);
    const std::vector<double> right = partials(instrument(higher, 2.5), higher);
    const double alone = mean_distance(partials(at_another_key<PitchShift>(music, semitones), higher), right),
                 matched = mean_distance(partials(at_another_key<MusicShift>(music, semitones), higher), right);
    EXPECT_LT(matched, 0.5 * alone) << semitones << ": " << matched << " of " << alone << " dB";
    EXPECT_LT(matched, 3) << semitones;
  }
}

TEST(MusicShift, LevelAndStereoStay) {
  const AudioBuffer music = instrument(220, 2), result = at_another_key<MusicShift>(music, 5);
  ASSERT_EQ(result.frames(), music.frames());
  const auto rms = [](const std::vector<float>& x) {
    double sum = 0;
    for (std::size_t i = music_rate / 2; i < x.size() - music_rate / 2; ++i) sum += double(x[i]) * x[i];
    return std::sqrt(sum / double(x.size() - music_rate));
  };
  EXPECT_NEAR(20 * std::log10(rms(result.channels[0]) / rms(music.channels[0])), 0, 1);
  EXPECT_NEAR(rms(result.channels[1]) / rms(result.channels[0]), 0.5, 1e-3);
}

TEST(MusicShift, AnyPiecesGiveTheSame) {
  const AudioBuffer music = instrument(220, 1.7), whole = at_another_key<MusicShift>(music, -3, music.frames()),
                    pieces = at_another_key<MusicShift>(music, -3, 777);
  ASSERT_EQ(whole.frames(), pieces.frames());
  EXPECT_EQ(whole.channels, pieces.channels);
}

TEST(MusicShift, SilenceStaysSilent) {
  const AudioBuffer result = at_another_key<MusicShift>(AudioBuffer(music_rate, 2, music_rate), 4);
  ASSERT_EQ(result.frames(), std::size_t(music_rate));
  for (const auto& channel : result.channels)
    for (const float x : channel) ASSERT_EQ(x, 0);
}

}  // namespace
}  // namespace voxconv
