// Songs in segments that overlap: what the network hears of them, and how its results are joined.
#include "models/separation/overlap_add.h"

#include <gtest/gtest.h>

#include <random>

#include "voxconv/error.h"

namespace voxconv {
namespace {

constexpr int rate = 1000;

AudioBuffer random_song(std::size_t frames) {
  AudioBuffer song(rate, 2, frames);
  std::mt19937 random(3);
  std::uniform_real_distribution<float> sample(-1, 1);
  for (auto& channel : song.channels)
    for (float& x : channel) x = sample(random);
  return song;
}

OverlapSpec segments(std::int64_t segment, std::int64_t hop, SongEnds ends, std::int64_t batch = 1) {
  return {.rate = rate, .segment = segment, .hop = hop, .weight = linear_fades(segment, segment / 10), .ends = ends, .batch = batch};
}

torch::Tensor unchanged(const torch::Tensor& heard) { return heard.unsqueeze(1); }

/// Two stems, each sample of which depends on where in the segment it lies and on all of it.
torch::Tensor two_stems(const torch::Tensor& heard) {
  const torch::Tensor place = torch::linspace(0.5, 1, heard.size(2));
  return torch::stack({heard * place, heard.flip(2) + heard.mean(2, /*keepdim=*/true)}, 1);
}

/// The stems of a song that comes in pieces of the given lengths, over and over. `late`: the most samples that were in and not out.
std::vector<AudioBuffer> separated(OverlapAdd& stream, const AudioBuffer& song, const std::vector<std::size_t>& pieces,
                                   std::size_t* late = nullptr) {
  std::vector<AudioBuffer> all;
  const auto add = [&](const std::vector<AudioBuffer>& more) {
    all.resize(more.size(), AudioBuffer(rate, 2));
    for (std::size_t s = 0; s < more.size(); ++s)
      for (std::size_t c = 0; c < 2; ++c)
        all[s].channels[c].insert(all[s].channels[c].end(), more[s].channels[c].begin(), more[s].channels[c].end());
  };
  for (std::size_t begin = 0, i = 0; begin < song.frames(); ++i) {
    const std::size_t end = std::min(song.frames(), begin + pieces[i % pieces.size()]);
    AudioBuffer piece(rate, 0);
    for (const auto& channel : song.channels) piece.channels.emplace_back(&channel[begin], &channel[begin] + (end - begin));
    add(stream.push(piece));
    if (late) *late = std::max(*late, end - all[0].frames());
    begin = end;
  }
  add(stream.finish());
  return all;
}

TEST(OverlapAdd, NoCutOfTheSongChangesASample) {
  for (const SongEnds ends : {SongEnds::reflect, SongEnds::centre})
    for (const std::int64_t hop : {100, 50, 25})
      for (const std::int64_t batch : {1, 3})
        for (const std::size_t frames : {1, 40, 99, 101, 160, 1234}) {
          OverlapSpec spec = segments(100, hop, ends, batch);
          spec.stems = 2;
          OverlapAdd stream(spec, two_stems);
          const AudioBuffer song = random_song(frames);
          const std::vector<AudioBuffer> whole = separated(stream, song, {frames});
          ASSERT_EQ(whole.size(), 2u);
          for (const std::vector<std::size_t>& pieces : {std::vector<std::size_t>{7}, {1, 300, 50}, {100}}) {
            const std::vector<AudioBuffer> parts = separated(stream, song, pieces);  // the stream begins anew after each song
            for (std::size_t s = 0; s < 2; ++s) {
              EXPECT_EQ(parts[s].frames(), frames);
              EXPECT_EQ(parts[s].channels, whole[s].channels) << "hop " << hop << ", batch " << batch << ", " << frames << " samples";
            }
          }
        }
}

TEST(OverlapAdd, ANetworkThatChangesNothingGivesTheSong) {
  for (const SongEnds ends : {SongEnds::reflect, SongEnds::centre})
    for (const std::int64_t hop : {100, 60, 50, 33, 25})
      for (const std::size_t frames : {1, 2, 50, 51, 99, 100, 101, 149, 150, 151, 199, 200, 201, 1003}) {
        OverlapAdd stream(segments(100, hop, ends), unchanged);
        const AudioBuffer song = random_song(frames), result = separated(stream, song, {31})[0];
        ASSERT_EQ(result.frames(), frames);
        for (std::size_t c = 0; c < 2; ++c)
          for (std::size_t i = 0; i < frames; ++i)
            ASSERT_NEAR(result.channels[c][i], song.channels[c][i], 1e-6) << "sample " << i << " of " << frames << ", hop " << hop;
      }
}

TEST(OverlapAdd, SamplesComeOutInTime) {
  for (const SongEnds ends : {SongEnds::reflect, SongEnds::centre})
    for (const std::int64_t hop : {100, 50, 20})
      for (const std::int64_t batch : {1, 4}) {
        const OverlapSpec spec = segments(100, hop, ends, batch);
        OverlapAdd stream(spec, unchanged);
        std::size_t late = 0;
        separated(stream, random_song(2000), {1}, &late);
        EXPECT_LE(double(late), spec.context_s() * rate);
      }
}

/// What the network hears of a song whose samples are 0, 1, 2 ...
std::vector<std::vector<float>> heard_of(std::size_t frames, const OverlapSpec& spec) {
  std::vector<std::vector<float>> heard;
  OverlapAdd stream(spec, [&](const torch::Tensor& segments) {
    const torch::Tensor left = segments[0][0].contiguous();
    heard.emplace_back(left.const_data_ptr<float>(), left.const_data_ptr<float>() + left.numel());
    return unchanged(segments);
  });
  AudioBuffer song(rate, 2, frames);
  for (std::size_t i = 0; i < frames; ++i) song.channels[0][i] = float(i);
  separated(stream, song, {frames});
  return heard;
}

using Segments = std::vector<std::vector<float>>;

TEST(OverlapAdd, MirrorsTheEndsOfALongSong) {
  const OverlapSpec spec = segments(8, 4, SongEnds::reflect);
  EXPECT_EQ(heard_of(10, spec), (Segments{{4, 3, 2, 1, 0, 1, 2, 3},
                                          {0, 1, 2, 3, 4, 5, 6, 7},
                                          {4, 5, 6, 7, 8, 9, 8, 7},
                                          {8, 9, 8, 7, 6, 5, 6, 7}}));  // the mirrored song, 4 3 2 1 0 ... 9 8 7 6 5, mirrored again
  // Not longer than twice the overlap: nothing before it. The second segment has half of a segment of it, which is not more.
  EXPECT_EQ(heard_of(8, spec), (Segments{{0, 1, 2, 3, 4, 5, 6, 7}, {4, 5, 6, 7, 0, 0, 0, 0}}));
  EXPECT_EQ(heard_of(5, spec), (Segments{{0, 1, 2, 3, 4, 3, 2, 1}, {4, 0, 0, 0, 0, 0, 0, 0}}));
}

TEST(OverlapAdd, CentresTheLastSegment) {
  const OverlapSpec spec = segments(8, 6, SongEnds::centre);
  EXPECT_EQ(heard_of(10, spec), (Segments{{0, 1, 2, 3, 4, 5, 6, 7}, {4, 5, 6, 7, 8, 9, 0, 0}}));
  EXPECT_EQ(heard_of(3, spec), (Segments{{0, 0, 0, 1, 2, 0, 0, 0}}));
}

TEST(OverlapAdd, SegmentsAreWeighted) {
  OverlapSpec spec = segments(4, 2, SongEnds::centre);
  spec.weight = {1, 2, 3, 4};
  int count = 0;
  OverlapAdd stream(spec, [&](const torch::Tensor& segments) { return torch::full_like(unchanged(segments), double(count++)); });
  // The second of two segments gives ones; over its first two samples lies the first one, too.
  const std::vector<float> expected{0, 0, 1.0f / 4, 2.0f / 6};
  EXPECT_EQ(separated(stream, AudioBuffer(rate, 2, 4), {4})[0].channels[0], expected);
}

TEST(OverlapAdd, RefusesOtherSongs) {
  OverlapAdd stream(segments(100, 50, SongEnds::reflect), unchanged);
  EXPECT_THROW(stream.push(AudioBuffer(rate, 1, 10)), Error);
  EXPECT_THROW(stream.push(AudioBuffer(2 * rate, 2, 10)), Error);
}

}  // namespace
}  // namespace voxconv
