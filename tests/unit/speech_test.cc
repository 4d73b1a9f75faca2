#include "voxconv/speech.h"

#include <gmock/gmock.h>

#include <cmath>

#include "eval/memory_audio.h"
#include "voxconv/error.h"

namespace voxconv {
namespace {

using testing::HasSubstr;

AudioBuffer sound_of(const std::string& path) { return read_all(*open_reader(path)); }

/// A part of a sound, louder or softer, in one or two channels.
SpeakerEmbedding embedding_of(const AudioBuffer& audio, double from, double to, float gain = 1, std::size_t channels = 1) {
  AudioBuffer part(audio.rate, channels);
  const auto at = [&](double share) { return audio.channels[0].begin() + std::ptrdiff_t(share * double(audio.frames())); };
  for (auto& channel : part.channels) {
    channel.assign(at(from), at(to));
    for (float& sample : channel) sample *= gain;
  }
  eval::MemoryReader reader(part);
  return speaker_embedding(reader);
}

TEST(SpeakerEmbedding, TellsSpeakersApartAtAnyLevel) {
  const AudioBuffer speech = sound_of(VOXCONV_TEST_DATA "/speech.flac"), song = sound_of(VOXCONV_TEST_DATA "/song.flac");
  const SpeakerEmbedding first = embedding_of(speech, 0, 0.5), second = embedding_of(speech, 0.5, 1), singer = embedding_of(song, 0, 1);
  ASSERT_EQ(first.size(), 256u);
  EXPECT_NEAR(speaker_similarity(first, first), 1, 1e-5);
  EXPECT_GT(speaker_similarity(first, second), speaker_similarity(first, singer) + 0.1);
  EXPECT_GT(speaker_similarity(first, embedding_of(speech, 0, 0.5, 0.1f, 2)), 0.99) << "soft, and in two channels";

  const SpeakerEmbedding mean = mean_embedding({first, {}, second});
  EXPECT_NEAR(speaker_similarity(mean, mean), 1, 1e-5);
  EXPECT_NEAR(speaker_similarity(mean, first), speaker_similarity(mean, second), 1e-5);
}

TEST(SpeakerEmbedding, IsEmptyWhereNothingIsHeard) {
  AudioBuffer silence(16000, 1);
  silence.channels[0].assign(32000, 0);
  EXPECT_TRUE(embedding_of(silence, 0, 1).empty());
  EXPECT_TRUE(embedding_of(silence, 0, 0).empty());
  EXPECT_TRUE(mean_embedding({{}, {}}).empty());
  EXPECT_EQ(speaker_similarity({}, {1.f}), 0);
  EXPECT_THROW(speaker_similarity({1.f, 0.f}, {1.f}), Error);
}

TEST(Transcribe, SaysHowToGetARecogniser) {
  if (has_recogniser()) GTEST_SKIP() << "there is one";
  const AudioBuffer speech = sound_of(VOXCONV_TEST_DATA "/speech.flac");
  eval::MemoryReader reader(speech);
  try {
    transcribe(reader, "en");
    FAIL() << "there is no recogniser";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_THAT(error.what(), HasSubstr("voxconv models get whisper-base"));
  }
}

TEST(Transcribe, WritesDownWhatIsSaid) {
  if (!has_recogniser()) GTEST_SKIP() << "Whisper's decoder is not installed";
  const AudioBuffer speech = sound_of(VOXCONV_TEST_DATA "/speech.flac");
  eval::MemoryReader reader(speech);
  const Transcript transcript = transcribe(reader);
  EXPECT_EQ(transcript.language, "en");
  EXPECT_FALSE(transcript.text.empty());
}

}  // namespace
}  // namespace voxconv
