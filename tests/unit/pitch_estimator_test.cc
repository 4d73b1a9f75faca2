#include <gtest/gtest.h>

#include <map>

#include "features/pitch/f0_estimator.h"
#include "features/pitch/fcpe_classes.h"
#include "features/pitch/fused_estimator.h"
#include "features/pitch/pitch_path.h"
#include "features/pitch/subharmonics.h"
#include "pitch_testing.h"
#include "voxconv/error.h"
#include "voxconv/f0.h"

namespace voxconv {
namespace {

using testing_pitch::cents_off;
using testing_pitch::tone;

double glide(double t) { return 150 * std::exp2(t) * std::exp2(std::sin(2 * M_PI * 5 * t) / 40); }

torch::Tensor noise(double seconds, double level) {
  torch::manual_seed(1);
  return torch::randn({static_cast<std::int64_t>(seconds * feature_rate)}) * level;
}

class Estimators : public testing::TestWithParam<std::string> {
 protected:
  /// Loaded once.
  static const F0Estimator& estimator() {
    static std::map<std::string, std::shared_ptr<const F0Estimator>> loaded;
    std::shared_ptr<const F0Estimator>& estimator = loaded[GetParam()];
    if (!estimator) estimator = load_f0_estimator(GetParam(), {}, torch::kCPU);
    return *estimator;
  }
  static F0Frames estimate(const torch::Tensor& audio) { return estimator().estimate(audio); }
};
INSTANTIATE_TEST_SUITE_P(Pitch, Estimators, testing::Values("auto", "fcpe", "swiftf0", "crepe-tiny", "pyin"), [](const auto& tested) {
  std::string name = tested.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(Estimators, FollowAGlideWithVibrato) {
  const torch::Tensor hz = estimate(tone(2, glide)).hz;
  ASSERT_EQ(hz.size(0), 201);
  const std::vector<double> off = cents_off(hz, glide);
  ASSERT_GT(off.size(), 175u);
  EXPECT_LT(off[off.size() / 2], 8);
  EXPECT_LT(off[off.size() * 95 / 100], 50);
}

TEST_P(Estimators, FindANoteAfterNoise) {
  const torch::Tensor audio = torch::cat({noise(2, 0.02), tone(1, glide) + noise(1, 0.05)});
  for (const F0Range& range : {F0Range{}, F0Range{140, 350}}) {
    const torch::Tensor hz = load_f0_estimator(GetParam(), range, torch::kCPU)->estimate(audio).hz.slice(0, 200);
    const std::vector<double> off = cents_off(hz, glide);
    ASSERT_GT(off.size(), 65u) << range.min_hz << " to " << range.max_hz << " Hz";
    EXPECT_LT(off[off.size() * 9 / 10], 50) << range.min_hz << " to " << range.max_hz << " Hz";
  }
}

TEST(PitchPath, NothingDrawsAPathToTheEdges) {
  // A weak peak in the middle after frames that say nothing, as much as CREPE's softmax lets a sure frame say.
  constexpr int bins = 200, reach = 11;
  std::vector<double> flat(bins, 1.0 / bins), peak(bins, 1.0 / (bins + 1));
  peak[100] = 2.0 / (bins + 1);
  PitchPath path(bins, reach, /*switch_probability=*/0);
  for (int t = 0; t < 100; ++t) path.add(flat, 0);
  for (int t = 0; t < 50; ++t) path.add(peak, 0);
  const std::vector<int> best = path.best();
  for (int t = 100; t < 150; ++t) EXPECT_EQ(best[std::size_t(t)], 100) << t;
}

TEST_P(Estimators, KeepAnOctaveUpAndDownInTheRange) {
  for (const double hz : {82.4, 987.8}) {
    const std::vector<double> off = cents_off(estimate(tone(1, [=](double) { return hz; })).hz, [=](double) { return hz; });
    ASSERT_GT(off.size(), 70u) << hz;
    EXPECT_LT(off[off.size() * 9 / 10], 30) << hz;
  }
}

// What is asked for a part only costs less and is the same.
TEST_P(Estimators, GiveAPartAsTheWholeHasIt) {
  const torch::Tensor audio = tone(8, glide);
  const std::int64_t begin = 320, end = 480;
  const torch::Tensor whole = estimate(audio).hz.slice(0, begin, end),
                      part = estimator().estimate_part(audio, begin, end).hz.slice(0, begin, end);
  EXPECT_TRUE(torch::allclose(part, whole, 1e-5)) << (part / whole).sub(1).abs().max().item<double>();
}

TEST_P(Estimators, CallSilenceUnvoiced) { EXPECT_EQ(estimate(torch::zeros({feature_rate})).hz.abs().sum().item<double>(), 0); }

TEST_P(Estimators, GiveOneFrameMoreThanThereAreHops) {
  for (const std::int64_t samples : {1, 159, 160, 1000, 16001}) {
    const F0Frames frames = estimate(noise(2, 0.01).slice(0, 0, samples));
    EXPECT_EQ(frames.hz.size(0), samples / 160 + 1);
    EXPECT_EQ(frames.confidence.size(0), samples / 160 + 1);
    EXPECT_TRUE((frames.confidence >= 0).all().item<bool>() && (frames.confidence <= 1).all().item<bool>());
  }
}

TEST_P(Estimators, StayInTheRange) {
  const torch::Tensor audio = torch::cat({tone(0.5, [](double) { return 100.0; }), tone(0.5, [](double) { return 700.0; })});
  const torch::Tensor hz = load_f0_estimator(GetParam(), {200, 500}, torch::kCPU)->estimate(audio).hz;
  const torch::Tensor voiced = hz.index({hz > 0});
  EXPECT_TRUE((voiced > 200 / 1.03).all().item<bool>());
  EXPECT_TRUE((voiced < 500 * 1.03).all().item<bool>());
}

TEST_P(Estimators, DependOnNoMoreThanTheContextTheyState) {
  const auto steps = static_cast<std::int64_t>(std::ceil(estimator().context_s() * frame_rate / f0_window_step));
  const std::int64_t context = steps * f0_window_step;
  const torch::Tensor audio = tone(2 * estimator().context_s() + 2, [](double t) { return 220 * std::exp2(std::sin(t) / 2); });
  const torch::Tensor whole = estimate(audio).hz;
  const std::int64_t from = context + 8 * f0_window_step, to = from + 40;
  const torch::Tensor part = estimate(audio.slice(0, (from - context) * feature_hop, (to + context) * feature_hop)).hz;
  const torch::Tensor ratio = part.slice(0, context, context + 40) / whole.slice(0, from, to);
  EXPECT_LT(((ratio.log2() * 1200).abs().max()).item<double>(), 0.02);
}

/// A rough voice of pitch hz(t): every other glottal cycle is weaker, which is a subharmonic `db` below the voice.
template <typename Hz>
torch::Tensor rough_voice(double seconds, double db, Hz hz) {
  const torch::Tensor voice = tone(seconds, hz), half = tone(seconds, [&](double t) { return hz(t) / 2; });
  return voice + (half - 0.5 * voice) * std::pow(10, db / 20) * 2;
}

torch::Tensor rough(double seconds, double hz, double db) {
  return rough_voice(seconds, db, [&](double t) { return hz * std::exp2(0.03 * std::sin(2 * M_PI * 5 * t)); });
}

/// Notes of 0.5 s that each fall by nine semitones in their last 70 ms.
constexpr double note_s = 0.5, fall_s = 0.07;
double falling_notes(double t) {
  const double in_note = std::fmod(t, note_s), start = 190 * std::exp2(std::floor(t / note_s) / 6);
  return start * std::exp2(-9.0 / 12 * std::max(0.0, in_note - (note_s - fall_s)) / fall_s);
}

/// Them, dying away while they fall and with a pause of 30 ms after each; `hz` is that of each frame, 0 in the pauses.
struct FallingNotes {
  torch::Tensor audio, hz;
};
FallingNotes rough_falling_notes(double seconds, double db) {
  constexpr double pause_s = 0.03;
  FallingNotes notes{rough_voice(seconds, db, falling_notes), torch::zeros({std::int64_t(seconds * frame_rate) + 1})};
  const auto in_note = [](double t) { return std::fmod(t, note_s); };
  for (std::int64_t i = 0; i < notes.audio.size(0); ++i) {
    const double t = in_note(double(i) / feature_rate);
    notes.audio.data_ptr<float>()[i] *= t < pause_s ? 0.f : float(std::exp(-20 * std::max(0.0, t - (note_s - fall_s))));
  }
  for (std::int64_t t = 0; t < notes.hz.size(0); ++t)
    if (const double s = double(t) / frame_rate; in_note(s) >= pause_s && s < seconds)
      notes.hz.data_ptr<float>()[t] = float(falling_notes(s));
  return notes;
}

TEST(Subharmonics, OddMultiplesTellAPitchThatIsAnOctaveLow) {
  const torch::Tensor audio = tone(1, [](double) { return 300.0; }), right = torch::full({101}, 300.f);
  const auto middle = [](const torch::Tensor& x) { return x.slice(0, 10, 90); };
  EXPECT_GT(middle(odd_multiples_db(audio, right)).min().item<double>(), -4);
  EXPECT_LT(middle(odd_multiples_db(audio, right / 2)).max().item<double>(), -15);
  EXPECT_EQ(odd_multiples_db(audio, torch::zeros({101})).abs().sum().item<double>(), 0);
}

TEST(Subharmonics, AHighNoteOfFewHarmonicsIsNotRaised) {
  // A soprano's: almost a sine, with a strong second and fourth harmonic above the weak third and fifth.
  torch::Tensor audio = torch::zeros({feature_rate});
  const double levels_db[] = {0, -19, -32, -30, -40};
  for (int h = 1; h <= 5; ++h)
    audio += 0.2 * std::pow(10, levels_db[h - 1] / 20) * torch::sin(2 * M_PI * 702 * h / feature_rate * torch::arange(feature_rate));
  const torch::Tensor right = torch::full({101}, 702.f);
  EXPECT_GT(odd_multiples_db(audio, right).slice(0, 10, 90).min().item<double>(), 0);
  EXPECT_TRUE(torch::equal(raise_subharmonics(audio, right, 2000), right));
}

TEST(Subharmonics, PassagesAreRaisedAsAWhole) {
  const torch::Tensor audio = tone(2, [](double t) { return t < 1 ? 300.0 : 220.0; });
  torch::Tensor truth = torch::full({201}, 300.f);
  truth.slice(0, 100).fill_(220);
  EXPECT_TRUE(torch::equal(raise_subharmonics(audio, truth, 2000), truth));
  torch::Tensor low = truth.clone();
  low.slice(0, 20, 60) /= 2;
  low.slice(0, 110, 170) /= 2;
  const torch::Tensor raised = raise_subharmonics(audio, low, 2000);
  EXPECT_LE((raised != truth).sum().item<std::int64_t>(), 4);
  EXPECT_TRUE(torch::equal(raise_subharmonics(audio, low, 200), low)) << "nothing above the range";
}

TEST(Subharmonics, TheFallAtTheEndOfANoteIsRaisedWithIt) {
  const FallingNotes notes = rough_falling_notes(3, -18);
  torch::Tensor low = notes.hz.clone();
  for (std::int64_t t = 0; t < low.size(0); ++t)
    if (t % 50 >= 43) low.data_ptr<float>()[t] /= 2;  // as estimators have it: the fall alone an octave low
  const torch::Tensor raised = raise_subharmonics(notes.audio, low, 2000);
  EXPECT_LE((raised != notes.hz).sum().item<std::int64_t>(), 3) << "of " << (low != notes.hz).sum().item<std::int64_t>();
  EXPECT_TRUE(torch::equal(raise_subharmonics(notes.audio, notes.hz, 2000), notes.hz));
}

TEST(Subharmonics, AutoFollowsRoughNotesToTheirEnds) {
  const auto estimator = load_f0_estimator("auto", {}, torch::kCPU);
  for (const double db : {-14.0, -18.0, -24.0}) {
    const FallingNotes notes = rough_falling_notes(4, db);
    const torch::Tensor hz = estimator->estimate(notes.audio).hz, both = (hz > 0) & (notes.hz > 0);
    const torch::Tensor octaves = (hz / notes.hz).log2().index({both});
    EXPECT_GT(both.sum().item<std::int64_t>(), 300) << db;
    EXPECT_LT((octaves < -0.7).sum().item<double>(), 0.01 * octaves.size(0)) << db;
  }
}

// The choice between octaves depends on what is around, so a part needs some of that.
TEST(Subharmonics, AutoGivesAPartOfRoughNotesAsTheWholeHasIt) {
  const auto estimator = load_f0_estimator("auto", {}, torch::kCPU);
  const torch::Tensor audio = rough_falling_notes(8, -14).audio, whole = estimator->estimate(audio).hz;
  for (std::int64_t begin = 300; begin < 500; begin += 40) {
    const torch::Tensor part = estimator->estimate_part(audio, begin, begin + 100).hz.slice(0, begin, begin + 100);
    EXPECT_TRUE(torch::allclose(part, whole.slice(0, begin, begin + 100), 1e-4)) << begin;
  }
}

TEST(Subharmonics, AutoFindsTheOctaveOfARoughVoice) {
  const auto estimator = load_f0_estimator("auto", {}, torch::kCPU);
  for (const auto& [hz, db] : {std::pair{415.0, -24.0}, {220.0, -16.0}, {300.0, -18.0}}) {
    const torch::Tensor f0 = estimator->estimate(rough(2, hz, db)).hz;
    const std::vector<double> off = cents_off(f0, [&, hz = hz](double) { return hz; });
    ASSERT_GT(off.size(), 150u) << hz;
    EXPECT_LT(off[off.size() * 98 / 100], 100) << hz;
  }
}

TEST(F0Estimator, UnknownNamesAndRangesAreRefused) {
  EXPECT_THROW(load_f0_estimator("yaapt", {}, torch::kCPU), Error);
  EXPECT_THROW(load_f0_estimator("pyin", {400, 300}, torch::kCPU), Error);
}

// --- the fusion, with opinions made up ---

constexpr F0Range whole_range{50, 1500};

/// FCPE's activation for a pitch per frame, with the given height.
torch::Tensor activation_of(const std::vector<double>& hz, double height) {
  torch::Tensor result = torch::zeros({static_cast<std::int64_t>(hz.size()), FcpeClasses::count});
  for (std::size_t t = 0; t < hz.size(); ++t)
    for (std::int64_t i = 0; i < FcpeClasses::count; ++i) {
      const double distance = FcpeClasses::cents_of(i) - FcpeClasses::cents(hz[t]);
      result.data_ptr<float>()[std::int64_t(t) * FcpeClasses::count + i] =
          static_cast<float>(height * std::exp(-distance * distance / 1250));
    }
  return result;
}

F0Frames opinion(const std::vector<double>& hz, double confidence) {
  return {torch::tensor(hz).to(torch::kFloat), torch::full({static_cast<std::int64_t>(hz.size())}, confidence)};
}

double worst_cents(const F0Frames& frames, double hz) { return ((frames.hz / hz).log2().abs() * 1200).max().item<double>(); }

TEST(Fusion, AgreementIsKept) {
  const std::vector<double> hz(50, 440.0);
  EXPECT_LT(worst_cents(fuse_pitch(activation_of(hz, 0.8), opinion(hz, 0.9), whole_range), 440), 1);
}

TEST(Fusion, AnOctaveJumpOfEitherIsRepaired) {
  const std::vector<double> steady(60, 440.0);
  std::vector<double> up = steady, down = steady;
  std::fill(up.begin() + 20, up.begin() + 30, 880.0);
  std::fill(down.begin() + 20, down.begin() + 30, 220.0);
  for (const std::vector<double>& jumping : {up, down}) {
    EXPECT_LT(worst_cents(fuse_pitch(activation_of(jumping, 0.9), opinion(steady, 0.6), whole_range), 440), 1);
    EXPECT_LT(worst_cents(fuse_pitch(activation_of(steady, 0.6), opinion(jumping, 0.9), whole_range), 440), 1);
  }
}

TEST(Fcpe, Bfloat16MovesThePitchByLessThanACent) {
  const torch::Tensor audio = tone(4, glide) + noise(4, 0.01);
  const torch::Tensor exact = load_f0_estimator("fcpe", {}, torch::kCPU)->estimate(audio).hz,
                      rounded = load_f0_estimator("fcpe", {}, torch::kCPU, torch::kBFloat16)->estimate(audio).hz;
  const torch::Tensor both = (exact > 0).logical_and(rounded > 0);
  EXPECT_LT((exact > 0).logical_xor(rounded > 0).to(torch::kDouble).mean().item<double>(), 0.01);
  const torch::Tensor cents = 1200 * (rounded / exact).index({both}).log2().abs();
  EXPECT_LT(cents.median().item<double>(), 1);
  EXPECT_LT(cents.quantile(0.99).item<double>(), 5);
  EXPECT_GT(cents.max().item<double>(), 0) << "not computed in bfloat16";
}

TEST(Fusion, AShortOctaveJumpOfBothIsRepaired) {
  std::vector<double> hz(60, 440.0);
  std::fill(hz.begin() + 20, hz.begin() + 22, 880.0);
  const F0Frames fused = fuse_pitch(activation_of(hz, 0.4), opinion(hz, 0.4), whole_range);
  const torch::Tensor voiced = fused.hz.index({fused.hz > 0});
  EXPECT_GE(voiced.size(0), 58);
  EXPECT_LT(((voiced / 440).log2().abs() * 1200).max().item<double>(), 1);
}

TEST(Fusion, ALeapOfTheMelodyIsKept) {
  std::vector<double> hz(100, 300.0);
  std::fill(hz.begin() + 50, hz.end(), 600.0);
  const torch::Tensor fused = fuse_pitch(activation_of(hz, 0.8), opinion(hz, 0.9), whole_range).hz;
  EXPECT_NEAR(fused[40].item<double>(), 300, 1);
  EXPECT_NEAR(fused[60].item<double>(), 600, 1);
}

TEST(Fusion, DoubtOfBothIsUnvoiced) {
  const std::vector<double> hz(20, 440.0);
  EXPECT_EQ(fuse_pitch(activation_of(hz, 0.1), opinion(hz, 0.1), whole_range).hz.sum().item<double>(), 0);
}

}  // namespace
}  // namespace voxconv
