#include "convert/key_choice.h"

#include <gtest/gtest.h>

#include <cmath>

namespace voxconv {
namespace {

VoiceInfo voice_of(const PitchRange& range, const std::string& gender) {
  VoiceInfo voice;
  voice.f0_low = range.low;
  voice.f0_median = range.median;
  voice.f0_high = range.high;
  voice.gender = gender;
  return voice;
}

const VoiceInfo low_woman = voice_of({124, 155, 212}, "female"), man = voice_of({85, 110, 160}, "male"),
                high_man = voice_of({98, 148, 193}, "male"), soprano = voice_of({347, 440, 600}, "female"),
                low_singer = voice_of({221, 304, 594}, "female");

TEST(ChooseKey, IsTheOctaveInWhichTheVoiceSings) {
  EXPECT_EQ(choose_key({95, 127, 190}, low_woman), 0) << "a man, an octave above whom the voice could sing as well";
  EXPECT_EQ(choose_key({95, 127, 190}, voice_of({180, 230, 300}, "female")), 12);
  EXPECT_EQ(choose_key({180, 220, 300}, man), -12) << "a woman's song";
  EXPECT_EQ(choose_key({400, 550, 800}, soprano), 0) << "a soprano's song";
  EXPECT_EQ(choose_key({400, 550, 800}, man), -24);
  EXPECT_EQ(choose_key({660, 770, 880}, voice_of({97, 145, 191}, "")), -24);
  EXPECT_EQ(choose_key({85, 110, 160}, soprano), 24);
  EXPECT_EQ(choose_key({106, 121, 140}, low_singer), 12) << "a man's speech: two octaves up he would squeak";
  EXPECT_EQ(choose_key({60, 122, 167}, low_singer), 12) << "the same with creak an octave below";
  EXPECT_EQ(choose_key({60, 125, 190}, low_woman), 0) << "creak is no reason to leave the octave";
  EXPECT_EQ(choose_key({310, 327, 345}, low_woman), 0) << "a soprano's E4, in a voice that speaks low";
  EXPECT_EQ(choose_key({310, 327, 345}, high_man), -12) << "the same in a man's";
}

TEST(ChooseKey, IsNoneForWhatFitsAndForWhatIsNotKnown) {
  for (const VoiceInfo& voice : {low_woman, man, soprano}) {
    EXPECT_EQ(choose_key(range_of(voice), voice), 0);
    EXPECT_EQ(choose_key({}, voice), 0);
    EXPECT_EQ(choose_key(range_of(voice), {}), 0);
  }
}

TEST(PitchHistogram, GivesTheRangeOfWhatSounds) {
  PitchHistogram histogram;
  for (int i = 0; i <= 1000; ++i) histogram.add(100 * std::exp2(i / 1000.0));
  EXPECT_NEAR(histogram.range().low, 100 * std::exp2(0.05), 1);
  EXPECT_NEAR(histogram.range().median, 100 * std::exp2(0.5), 1);
  EXPECT_NEAR(histogram.range().high, 100 * std::exp2(0.95), 1);
  // Frames without sound say nothing, whatever pitch they seem to have.
  histogram.add(torch::full({5000}, 900.f), torch::full({5000}, -9.f));
  EXPECT_NEAR(histogram.range().high, 100 * std::exp2(0.95), 1);
}

TEST(PitchHistogram, AFewFramesAreNoSong) {
  PitchHistogram histogram;
  EXPECT_EQ(histogram.range().median, 0);
  histogram.add(torch::full({15}, 300.f), torch::full({15}, -2.f));
  EXPECT_EQ(histogram.range().median, 0);
  histogram.add(torch::full({15}, 300.f), torch::full({15}, -2.f));
  EXPECT_NEAR(histogram.range().median, 300, 1);
  histogram.add(torch::zeros({3000}), torch::full({3000}, -2.f));
  EXPECT_EQ(histogram.range().median, 0);
}

}  // namespace
}  // namespace voxconv
