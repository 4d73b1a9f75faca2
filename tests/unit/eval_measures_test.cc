// The measures of sounds, on signals of which the answer is known.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "audio/k_weighting.h"
#include "eval/copy_synthesis.h"
#include "eval/level_measures.h"
#include "eval/periodicity.h"
#include "eval/spectrum_measures.h"
#include "eval/timbre.h"
#include "features/frames.h"
#include "features/loudness.h"
#include "models/native/native_voice.h"

namespace voxconv::eval {
namespace {

constexpr double rate = full_band_rate;

torch::Tensor tone(double hz, double seconds, double at_rate = rate) {
  return torch::sin(torch::arange(std::int64_t(seconds * at_rate), torch::kDouble) * (2 * M_PI * hz / at_rate)).to(torch::kFloat);
}

/// White noise of variance 1, the same in every run.
torch::Tensor noise(double seconds, std::uint64_t seed, double at_rate = rate) {
  auto generator = at::detail::createCPUGenerator(seed);
  return torch::randn({std::int64_t(seconds * at_rate)}, generator, torch::kFloat);
}

/// All harmonics of `hz` between two frequencies with one amplitude, of power 1 altogether; whole seconds.
torch::Tensor pulses(int hz, int seconds, double from_hz = 0, double to_hz = 20000) {
  const std::int64_t samples = seconds * full_band_rate;
  torch::Tensor spectrum = torch::zeros({samples / 2 + 1}, torch::kComplexFloat);
  int count = 0;
  for (int harmonic = hz; harmonic < to_hz; harmonic += hz) {
    if (harmonic < from_hz) continue;
    spectrum[std::int64_t(harmonic) * seconds] = double(samples) / 2;
    ++count;
  }
  return torch::fft_irfft(spectrum, samples) * std::sqrt(2.0 / count);
}

/// `gain(hz)` applied in the frequency domain.
template <class Gain>
torch::Tensor filtered(const torch::Tensor& audio, double at_rate, const Gain& gain) {
  torch::Tensor spectrum = torch::fft_rfft(audio);
  torch::Tensor gains = torch::empty({spectrum.size(0)});
  for (std::int64_t k = 0; k < gains.size(0); ++k) gains.data_ptr<float>()[k] = float(gain(double(k) * at_rate / double(audio.size(0))));
  return torch::fft_irfft(spectrum * gains, audio.size(0));
}

std::vector<float> steady(double hz, double seconds) { return std::vector<float>(std::size_t(seconds * frame_rate), float(hz)); }

TEST(LongTermSpectrum, BandsHoldWhatIsInThem) {
  const torch::Tensor spectrum = long_term_spectrum(tone(700, 2) + 0.1 * tone(18000, 2));
  EXPECT_NEAR(spectrum.sum().item<double>(), 1, 1e-9);
  const auto bands = band_levels_db(spectrum);
  EXPECT_NEAR(bands[2], 10 * std::log10(1 / 1.01), 0.01);
  EXPECT_NEAR(bands[7], 10 * std::log10(0.01 / 1.01), 0.01);
  for (const std::size_t empty : {0, 1, 3, 4, 5, 6}) EXPECT_LT(bands[empty], -60) << empty;
  EXPECT_NEAR(above_16k_db(spectrum), -20, 0.01);
}

TEST(LongTermSpectrum, WhiteNoiseHasItsEnergyByBandwidth) {
  const auto bands = band_levels_db(long_term_spectrum(noise(10, 1)));
  for (std::size_t i = 0; i < bands.size(); ++i) {
    const double width = SoundFigures::band_edges[i + 1] - SoundFigures::band_edges[i];
    EXPECT_NEAR(bands[i], 10 * std::log10(width / 22050), 0.3) << i;
  }
}

TEST(LongTermSpectrum, PausesDoNotCount) {
  const torch::Tensor voice = tone(700, 2), hiss = 0.002 * noise(20, 2);
  EXPECT_LT(above_16k_db(long_term_spectrum(torch::cat({voice, hiss}))), -65);
  EXPECT_FALSE(long_term_spectrum(torch::zeros({44100})).defined());
  EXPECT_FALSE(long_term_spectrum(torch::zeros({0})).defined());
}

TEST(SpectrumDistance, IsThatOfAKnownFilter) {
  const torch::Tensor plain = noise(10, 3);
  const double edge = std::pow(10, 3.55);  // between the third-octave bands 35 and 36, of 20 to 43
  const torch::Tensor bright = filtered(plain, rate, [&](double hz) { return hz < edge ? 1 : std::pow(10, 12 / 20.0); });
  const double gain = 10 * std::log10((edge + (22050 - edge) * std::pow(10, 1.2)) / 22050);
  const double expected = std::sqrt((16 * gain * gain + 8 * (12 - gain) * (12 - gain)) / 24);
  EXPECT_NEAR(spectrum_distance_db(long_term_spectrum(plain), long_term_spectrum(bright)), expected, 0.15);
  EXPECT_NEAR(spectrum_distance_db(long_term_spectrum(plain), long_term_spectrum(plain * 0.01)), 0, 1e-3);
}

TEST(SpectrumDistance, EmptyBandsCountAsEmptyWhateverTheirFloor) {
  const torch::Tensor low = filtered(noise(5, 4), rate, [](double hz) { return hz < 8000 ? 1 : 0; });
  const torch::Tensor dithered = low + 1e-6 * noise(5, 5);
  EXPECT_NEAR(spectrum_distance_db(long_term_spectrum(low), long_term_spectrum(dithered)), 0, 0.01);
}

TEST(Spectrogram, ShowsAToneWhereItIs) {
  for (const double seconds : {0.5, 70.0}) {
    const torch::Tensor audio = torch::cat({torch::zeros({std::int64_t(rate * seconds / 2)}), tone(5000, seconds / 2)});
    const Spectrogram picture = spectrogram(audio);
    EXPECT_NEAR(picture.seconds, seconds, 1e-3);
    ASSERT_EQ(picture.db.size(), picture.rows * picture.columns);
    ASSERT_LE(picture.columns, 1000u);
    const auto at = [&](std::size_t row, std::size_t column) { return picture.db[row * picture.columns + column]; };
    const std::size_t late = picture.columns * 3 / 4, early = picture.columns / 4, row = std::size_t(5000 / picture.top_hz * 512);
    EXPECT_NEAR(at(row, late), 0, 4);
    EXPECT_LT(at(row + 10, late), -60);
    EXPECT_LT(at(row, early), -150);
  }
  EXPECT_EQ(spectrogram(torch::zeros({10})).columns, 0u);
}

class PeriodicityOfPulsesInNoise : public testing::TestWithParam<double> {};

TEST_P(PeriodicityOfPulsesInNoise, IsTheirShareOfThePower) {
  const double ratio = std::pow(10, GetParam() / 10);
  const torch::Tensor audio = pulses(150, 2) + noise(2, 6) / std::sqrt(ratio);
  const Periodicity found = periodicity(audio, steady(151, 2));  // the pitch need not be exact
  EXPECT_NEAR(found.hnr_db, GetParam(), 0.4);
  for (std::size_t i = 0; i < found.bands.size(); ++i) {
    const int low = SoundFigures::periodicity_edges[i], high = SoundFigures::periodicity_edges[i + 1];
    const double pulse_power = ((high - 1) / 150 - low / 150) / 133.0;  // of the harmonics below 20 kHz
    const double noise_power = (high - low) / 22050.0 / ratio;
    EXPECT_NEAR(found.bands[i], pulse_power / (pulse_power + noise_power), 0.03) << i;
  }
}
INSTANTIATE_TEST_SUITE_P(Ratios, PeriodicityOfPulsesInNoise, testing::Values(0.0, 6.0, 12.0, 20.0, 30.0));

TEST(Periodicity, IsMeasuredBandByBand) {
  const torch::Tensor hiss = filtered(noise(2, 7), rate, [](double hz) { return hz > 2000 ? 1 : 0; });
  const Periodicity found = periodicity(pulses(200, 2, 0, 1990) + 0.3 * hiss, steady(200, 2));
  EXPECT_GT(found.bands[0], 0.99);
  EXPECT_GT(found.bands[1], 0.99);
  EXPECT_NEAR(found.bands[2], 0, 0.1);
  EXPECT_NEAR(found.bands[3], 0, 0.1);
}

TEST(Periodicity, NeedsVoicedFramesAndBandsWithSoundInThem) {
  const Periodicity silent = periodicity(torch::zeros({44100}), steady(200, 1));
  EXPECT_TRUE(std::isnan(silent.hnr_db));
  EXPECT_TRUE(std::isnan(periodicity(pulses(200, 1), std::vector<float>(100, 0.f)).bands[0]));
  EXPECT_TRUE(std::isnan(periodicity(pulses(200, 1), steady(200, 0.05)).hnr_db));
  const Periodicity low = periodicity(pulses(200, 1, 0, 1990), steady(200, 1));
  EXPECT_GT(low.bands[1], 0.99);
  EXPECT_TRUE(std::isnan(low.bands[3]));
}

TEST(StrongestPeriod, TellsTonesFromNoise) {
  std::vector<std::int64_t> frames;
  for (std::int64_t t = 10; t < 90; ++t) frames.push_back(t);
  for (const float strength : strongest_period(pulses(120, 1), frames)) EXPECT_GT(strength, 0.95);
  for (const float strength : strongest_period(noise(1, 8), frames)) EXPECT_LT(strength, 0.4);
}

TEST(KWeighting, IsTheRecommendationsAt48Kilohertz) {
  const auto filters = k_weighting(48000);  // ITU-R BS.1770-4, tables 1 and 2
  const double shelf[] = {1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585};
  EXPECT_NEAR(filters[0].b0, shelf[0], 1e-9);
  EXPECT_NEAR(filters[0].b1, shelf[1], 1e-9);
  EXPECT_NEAR(filters[0].b2, shelf[2], 1e-9);
  EXPECT_NEAR(filters[0].a1, shelf[3], 1e-9);
  EXPECT_NEAR(filters[0].a2, shelf[4], 1e-9);
  EXPECT_NEAR(filters[1].a1, -1.99004745483398, 1e-9);
  EXPECT_NEAR(filters[1].a2, 0.99007225036621, 1e-9);
}

TEST(IntegratedLoudness, IsTheRecommendationsForASine) {
  EXPECT_NEAR(integrated_loudness(tone(997, 5)), -3.01, 0.02);  // BS.1770-4: a sine of full scale in one channel
  EXPECT_NEAR(integrated_loudness(0.1 * tone(997, 5)), -23.01, 0.02);
}

TEST(IntegratedLoudness, PausesDoNotCount) {
  const torch::Tensor voice = 0.1 * tone(997, 10), quiet = 0.001 * tone(997, 20), silence = torch::zeros({441000});
  EXPECT_NEAR(integrated_loudness(torch::cat({voice, quiet, silence})), -23.01, 0.1);
  EXPECT_TRUE(std::isnan(integrated_loudness(silence)));
}

/// Five seconds: voice, what `between` says at 30 dB below it, voice, silence, voice.
torch::Tensor phrases(const torch::Tensor& between, double at_rate) {
  const torch::Tensor voice = 0.5 * tone(300, 1, at_rate);
  return torch::cat({voice, between * std::pow(10, -30 / 20.0) * 0.5 / std::sqrt(2), voice, torch::zeros_like(voice), voice});
}

std::vector<float> pitch_of_phrases() {
  std::vector<float> pitch(500, 0.f);
  for (std::size_t t = 0; t < 500; ++t)
    if (t / 100 % 2 == 0) pitch[t] = 300;
  return pitch;
}

TEST(PauseLevels, FindBreathsAndRests) {
  const torch::Tensor source = phrases(noise(1, 9), rate), loudness = a_weighted_loudness(phrases(noise(1, 9, 16000), 16000));
  torch::Tensor result = source.clone();
  result.slice(0, 44100, 88200) *= 0.1;                                       // the breath
  result.slice(0, 3 * 44100, 4 * 44100) = noise(1, 10) * std::pow(10, -3.5);  // the rest: hiss at -70 dBFS
  const PauseLevels levels = pause_levels(source, result, loudness, pitch_of_phrases());
  EXPECT_NEAR(levels.breath_change_db, -20, 0.01);
  EXPECT_NEAR(levels.rest_db, -70, 0.2);
  EXPECT_NEAR(levels.source_rest_db, -120, 1e-9);
}

TEST(PauseLevels, AHumIsNoBreath) {
  const torch::Tensor hum = std::sqrt(2) * tone(150, 1);
  const torch::Tensor loudness = a_weighted_loudness(phrases(10 * tone(150, 1, 16000), 16000));  // loud enough behind the A-weighting
  const torch::Tensor source = phrases(10 * hum, rate);
  EXPECT_TRUE(std::isnan(pause_levels(source, source, loudness, pitch_of_phrases()).breath_change_db));
}

TEST(PauseLevels, TheNoiseOfARoomIsNoBreath) {
  // At -32 dBFS below every phrase and between them: loud, but steady.
  const auto in_a_room = [](double at_rate) {
    return phrases(torch::zeros({std::int64_t(at_rate)}), at_rate) + noise(5, 20, at_rate) * std::pow(10, -32 / 20.0);
  };
  const torch::Tensor source = in_a_room(rate), loudness = a_weighted_loudness(in_a_room(16000));
  EXPECT_TRUE(std::isnan(pause_levels(source, source, loudness, pitch_of_phrases()).breath_change_db));
}

TEST(PauseLevels, AreUndefinedWithoutPauses) {
  const torch::Tensor voice = tone(300, 2);
  const PauseLevels levels = pause_levels(voice, voice, a_weighted_loudness(tone(300, 2, 16000)), steady(300, 2));
  EXPECT_TRUE(std::isnan(levels.rest_db));
  EXPECT_TRUE(std::isnan(levels.breath_change_db));
}

/// A sound with resonances at two frequencies, 16 kHz.
torch::Tensor resonant(double first, double second, std::uint64_t seed) {
  const auto peak = [](double hz, double centre) { return std::exp(-std::pow((hz - centre) / 200, 2)); };
  return filtered(noise(4, seed, 16000), 16000, [&](double hz) { return 0.02 + peak(hz, first) + peak(hz, second); });
}

TEST(Timbre, IsTheSameAtAnyLevelAndOtherForOtherResonances) {
  const std::vector<float> voiced = steady(200, 4);
  const auto timbre = [&](const torch::Tensor& audio) { return analyse_timbre(audio, voiced); };
  const Timbre a = timbre(resonant(500, 1500, 11)), again = timbre(resonant(500, 1500, 12) * 0.01), b = timbre(resonant(700, 2300, 13));
  EXPECT_GT(timbre_similarity(a, again), 0.95);
  EXPECT_LT(timbre_similarity(a, b), 0.3);
  EXPECT_NEAR(timbre_similarity(a, b), timbre_similarity(b, a), 1e-9);
  EXPECT_NEAR(timbre_similarity(a, a), 1, 1e-9);
}

TEST(Timbre, OfTwoRecordingsTogetherIsThatOfTheirFrames) {
  const torch::Tensor first = resonant(500, 1500, 14), second = resonant(520, 1500, 15);
  Timbre both = analyse_timbre(first, steady(200, 4));
  both.add(analyse_timbre(second, steady(200, 4)));
  EXPECT_EQ(both.frames, 800);
  EXPECT_NEAR(timbre_similarity(both, analyse_timbre(torch::cat({first, second}), steady(200, 8))), 1, 0.01);
}

TEST(Timbre, NeedsASecondOfVoice) {
  const torch::Tensor audio = resonant(500, 1500, 16);
  const Timbre enough = analyse_timbre(audio, steady(200, 4));
  EXPECT_TRUE(std::isnan(timbre_similarity(enough, analyse_timbre(audio, steady(200, 0.9)))));
  EXPECT_TRUE(std::isnan(timbre_similarity(enough, analyse_timbre(torch::zeros({16000}), steady(200, 4)))));
}

/// Noise, then a voice-like tone, then noise.
std::pair<torch::Tensor, std::vector<float>> noise_and_voice(int seconds_each) {
  const torch::Tensor hiss = 0.05 * noise(seconds_each, 17);
  std::vector<float> f0(std::size_t(3 * seconds_each * frame_rate), 0.f);
  std::fill_n(f0.begin() + seconds_each * frame_rate, seconds_each * frame_rate, 150.f);
  return {torch::cat({hiss, 0.05 * pulses(150, seconds_each), hiss}), f0};
}

TEST(CopySynthesis, SoundsLikeTheRecording) {
  const auto [audio, f0] = noise_and_voice(2);
  const torch::Tensor copy = copy_synthesis(native::load_vocoder(torch::kCPU), audio, f0, 1, torch::kCPU);
  ASSERT_EQ(copy.size(0), audio.size(0));
  for (const int second : {0, 2, 4}) {
    const auto part = [&](const torch::Tensor& x) { return x.slice(0, second * 44100 + 8820, (second + 2) * 44100 - 8820); };
    EXPECT_NEAR(20 * std::log10((part(copy).square().mean() / part(audio).square().mean()).sqrt().item<double>()), 0, 2) << second;
  }
  const torch::Tensor voice = copy.slice(0, 2 * 44100, 4 * 44100);
  // The vocoder gives any voice the breath that voices have.
  EXPECT_GT(periodicity(voice, steady(150, 2)).bands[0], 0.6);
}

TEST(CopySynthesis, DoesNotDependOnWhereItsBlocksEnd) {
  const auto [audio, f0] = noise_and_voice(3);
  const native::Vocoder vocoder = native::load_vocoder(torch::kCPU);
  const auto copy = [&](std::int64_t frames) {
    return copy_synthesis(vocoder, audio.slice(0, 0, frames * 441), std::span(f0).first(std::size_t(frames)), 1, torch::kCPU);
  };
  // The first ends a second after the border between the blocks of the second.
  const torch::Tensor shorter = copy(600), longer = copy(900);
  EXPECT_LT((shorter - longer.slice(0, 0, 600 * 441)).slice(0, 0, 550 * 441).abs().max().item<double>(), 1e-5);
}

}  // namespace
}  // namespace voxconv::eval
