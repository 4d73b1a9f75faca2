// How songs are cut: every unit once, with its context, at places that do not depend on how the input comes.
#include "features/song_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "features/frames.h"
#include "features/pitch/f0_estimator.h"

namespace voxconv {
namespace {

using Batches = std::vector<std::vector<Window>>;

/// All windows of a song of `total` units that come `piece` at a time.
Batches cut(const WindowSpec& spec, std::int64_t total, std::int64_t piece) {
  WindowSequence sequence(spec);
  Batches batches;
  for (std::int64_t available = 0; available < total; available += piece)
    for (auto next = sequence.next(available); !next.empty(); next = sequence.next(available)) batches.push_back(next);
  for (auto rest = sequence.rest(total, total); !rest.empty(); rest = sequence.rest(total, total)) batches.push_back(rest);
  return batches;
}

std::vector<std::int64_t> numbers(const Batches& batches) {
  std::vector<std::int64_t> all;
  for (const auto& batch : batches) {
    all.push_back(-std::int64_t(batch.size()));
    for (const Window& window : batch) all.insert(all.end(), {window.begin, window.end, window.from, window.to, window.last ? 1 : 0});
  }
  return all;
}

const WindowSpec specs[] = {{.hop = 10},
                            {.hop = 10, .left = 3, .right = 4},
                            {.hop = 10, .left = 3, .right = 4, .batch = 4, .last_takes_rest = true},
                            {.hop = 10, .left = 12, .right = 1, .first = {13}, .batch = 3, .last_takes_rest = true},
                            {.hop = 8, .left = 5, .right = 5, .first = {2, 4}}};

TEST(WindowSequence, GivesEveryUnitOnceWithItsContext) {
  for (const WindowSpec& spec : specs)
    for (const std::int64_t total : {1, 2, 9, 10, 11, 14, 15, 33, 100, 101, 104, 105}) {
      std::int64_t given = 0;
      bool last = false;
      for (const auto& batch : cut(spec, total, 7))
        for (const Window& window : batch) {
          EXPECT_FALSE(last) << "nothing behind the last one";
          EXPECT_EQ(window.begin, given);
          EXPECT_EQ(window.from, std::max<std::int64_t>(0, window.begin - spec.left));
          EXPECT_EQ(window.to, std::min(total, window.end + spec.right));
          EXPECT_EQ(window.to - window.from, batch[0].to - batch[0].from) << "a batch has one length";
          given = window.end;
          last = window.last;
        }
      EXPECT_EQ(given, total) << spec.hop;
    }
}

TEST(WindowSequence, PlacesAndBatchesDoNotDependOnThePieces) {
  for (const WindowSpec& spec : specs)
    for (const std::int64_t total : {1, 33, 104, 105, 300}) {
      const auto whole = numbers(cut(spec, total, total));
      for (const std::int64_t piece : {1, 7, 40}) EXPECT_EQ(numbers(cut(spec, total, piece)), whole) << total << " by " << piece;
    }
}

TEST(WindowSequence, ShortEndsJoinTheLastWindowOnlyWhereThatIsWanted) {
  const auto windows = [](bool joined) { return numbers(cut({.hop = 10, .right = 4, .last_takes_rest = joined}, 23, 5)); };
  EXPECT_EQ(windows(true), (std::vector<std::int64_t>{-1, 0, 10, 0, 14, 0, -1, 10, 23, 10, 23, 1}));
  EXPECT_EQ(windows(false), (std::vector<std::int64_t>{-1, 0, 10, 0, 14, 0, -1, 10, 20, 10, 23, 0, -1, 20, 23, 20, 23, 1}));
}

TEST(SignalBuffer, KeepsWhatIsNeededAtItsPlace) {
  SignalBuffer buffer;
  const std::vector<float> samples{0, 1, 2, 3, 4};
  buffer.append(samples);
  buffer.drop_before(3);
  buffer.drop_before(2);
  EXPECT_EQ(buffer.end(), 5);
  buffer.append(samples);
  EXPECT_TRUE(torch::equal(buffer.view(4, 7), torch::tensor({4.f, 0.f, 1.f})));
  buffer.drop_before(100);
  EXPECT_EQ(buffer.end(), 10);
}

class Estimator : public F0Estimator {
 public:
  F0Frames estimate(const torch::Tensor&) const override { return {}; }
  double context_s() const override { return 2.551; }
};

TEST(SongPlan, FollowsFromWhatTheStagesDeclare) {
  const Estimator f0;
  const SongPlan plan = plan_song(&f0, torch::kCPU), gpu = plan_song(&f0, torch::kCUDA), asked = plan_song(&f0, torch::kCUDA, 0.5);
  EXPECT_EQ(plan.pitch.left, 256) << "the context, in whole steps of the estimators' clocks";
  EXPECT_EQ(plan.pitch.right, 256);
  EXPECT_EQ(plan.pitch.hop % f0_window_step, 0);
  EXPECT_EQ(plan.pitch.first[0] % f0_window_step, 0);
  EXPECT_GT(gpu.content.batch, 1);
  EXPECT_EQ(gpu.pitch.batch, gpu.content.batch);
  EXPECT_EQ(gpu.read_frames(16000), std::size_t(gpu.content.batch * gpu.content.hop * feature_hop)) << "a batch at a time";
  EXPECT_EQ(asked.read_frames(44100), 22050u);
  EXPECT_EQ(asked.pitch.batch, gpu.pitch.batch) << "pieces of the reader change no batch";
  EXPECT_EQ(plan_song(nullptr, torch::kCPU, 1e-9).read_frames(8000), 1u);
}

}  // namespace
}  // namespace voxconv
