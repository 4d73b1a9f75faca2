#include "features/analysis_audio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "features/frames.h"

namespace voxconv {
namespace {

std::vector<float> sine_at_level(double hz, double seconds, double db, int rate = feature_rate) {
  std::vector<float> audio(std::size_t(seconds * rate));
  const double amplitude = std::sqrt(2) * std::pow(10, db / 20);
  for (std::size_t i = 0; i < audio.size(); ++i) audio[i] = float(amplitude * std::sin(2 * std::numbers::pi * hz * double(i) / rate));
  return audio;
}

void append(std::vector<float>& to, const std::vector<float>& more) { to.insert(to.end(), more.begin(), more.end()); }

double db(const std::vector<float>& audio, double from_s, double to_s) {
  double power = 0;
  const auto from = std::size_t(from_s * feature_rate), to = std::min(std::size_t(to_s * feature_rate), audio.size());
  for (std::size_t i = from; i < to; ++i) power += double(audio[i]) * audio[i] / double(to - from);
  return 10 * std::log10(power + 1e-30);
}

std::vector<float> raised(AnalysisLevel& level, const std::vector<float>& audio, std::size_t piece) {
  std::vector<float> out;
  for (std::size_t i = 0; i < audio.size(); i += piece)
    append(out, level.push(std::span(audio).subspan(i, std::min(piece, audio.size() - i))));
  append(out, level.finish());
  EXPECT_EQ(out.size(), audio.size());
  return out;
}

TEST(AnalysisLevel, LeavesWhatIsLoudEnough) {
  AnalysisLevel level;
  const std::vector<float> audio = sine_at_level(200, 3.3, -20);
  EXPECT_EQ(raised(level, audio, 5000), audio);
}

TEST(AnalysisLevel, RaisesWhatIsQuietAndGivesItBackAsItWas) {
  for (const double quiet : {-40, -60, -80}) {
    AnalysisLevel level;
    const std::vector<float> audio = sine_at_level(200, 4.5, quiet);
    std::vector<float> loud = raised(level, audio, 5000);
    EXPECT_NEAR(db(loud, 0, 4.5), std::min(AnalysisLevel::target_db, quiet + AnalysisLevel::most_db), 0.7) << quiet;
    level.restore(loud, feature_rate);
    for (std::size_t i = 0; i < audio.size(); ++i) ASSERT_NEAR(loud[i], audio[i], 1e-6 * std::abs(audio[i]) + 1e-12);
  }
}

TEST(AnalysisLevel, LeavesTheNoiseOfTheFormat) {
  AnalysisLevel level;
  const std::vector<float> audio = sine_at_level(200, 3, -92);
  EXPECT_EQ(raised(level, audio, 5000), audio);
}

TEST(AnalysisLevel, IsDownBeforeALoudPartBegins) {
  std::vector<float> audio = sine_at_level(200, 3.7, -70);
  append(audio, sine_at_level(200, 3, -12));
  AnalysisLevel level;
  const std::vector<float> loud = raised(level, audio, 5000);
  EXPECT_GT(db(loud, 0, 2), -30);
  EXPECT_LT(db(loud, 3.7, 3.8), -11);
  EXPECT_NEAR(db(loud, 4, 6), -12, 0.1);
}

TEST(AnalysisLevel, DoesNotDependOnTheCut) {
  std::vector<float> audio = sine_at_level(200, 2.4, -75);
  append(audio, sine_at_level(300, 2, -40));
  append(audio, sine_at_level(300, 2, -15));
  AnalysisLevel whole, cut;
  std::vector<float> a = raised(whole, audio, audio.size()), b = raised(cut, audio, 331);
  EXPECT_EQ(a, b);
  // Given back at another rate, in pieces of another size.
  std::vector<float> result(std::size_t(6.4 * 44100), 0.1f), other = result;
  whole.restore(result, 44100);
  for (std::size_t i = 0; i < other.size(); i += 1000)
    cut.restore(std::span(other).subspan(i, std::min<std::size_t>(1000, other.size() - i)), 44100);
  EXPECT_EQ(result, other);
}

std::vector<float> analysed(const std::vector<float>& samples, int rate) {
  AnalysisAudio analysis(rate);
  AudioBuffer audio(rate, 0);
  audio.channels.push_back(samples);
  std::vector<float> out = analysis.push(audio);
  append(out, analysis.finish());
  return out;
}

TEST(AnalysisAudio, HearsNothingBelowAVoice) {
  constexpr int rate = 44100;
  std::vector<float> audio = sine_at_level(220, 4, -20, rate);
  std::fill(audio.begin() + rate, audio.begin() + 2 * rate, 0.f);  // a rest
  const std::vector<float> clean = analysed(audio, rate), rumble = sine_at_level(25, 4, -30, rate), drift = sine_at_level(3, 4, -26, rate);
  for (std::size_t i = 0; i < audio.size(); ++i) audio[i] += 0.05f + rumble[i] + drift[i];
  const std::vector<float> dirty = analysed(audio, rate);
  ASSERT_EQ(dirty.size(), clean.size());
  EXPECT_LT(db(dirty, 1.2, 1.8), -75);
  EXPECT_NEAR(db(dirty, 0.2, 0.8), db(clean, 0.2, 0.8), 0.05);
  EXPECT_NEAR(db(dirty, 2.2, 3.8), db(clean, 2.2, 3.8), 0.05);
  EXPECT_NEAR(db(clean, 2.2, 3.8), -20, 0.1);
}

}  // namespace
}  // namespace voxconv
