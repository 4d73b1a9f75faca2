// Taking noise out of recordings: streams and readers, with the model that ships. What it computes: golden tests.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "audio/checked_reader.h"
#include "audio/resampler.h"
#include "convert/denoise_reader.h"
#include "voxconv/audio_io.h"

namespace voxconv {
namespace {

std::shared_ptr<const Denoiser> shipped() {
  static const auto denoiser = std::make_shared<const Denoiser>(torch::kCPU);
  return denoiser;
}

std::vector<float> white_noise(std::size_t count, float level = 0.1f) {
  std::vector<float> samples(count);
  std::mt19937 random(1);
  std::uniform_real_distribution<float> sample(-level, level);
  for (float& x : samples) x = sample(random);
  return samples;
}

/// The spoken test file, at 48 kHz and with all its length.
const std::vector<float>& spoken() {
  static const std::vector<float> samples =
      resample(read_all(*open_reader(VOXCONV_TEST_DATA "/speech.flac")), Denoiser::sample_rate, ResamplerQuality::fastest).channels[0];
  return samples;
}

std::vector<float> spoken(std::size_t count) { return {spoken().begin(), spoken().begin() + std::ptrdiff_t(count)}; }

std::vector<float> streamed(const std::vector<float>& samples, const std::vector<std::size_t>& pieces) {
  DenoiseStream stream(shipped());
  std::vector<float> result;
  const auto add = [&](const std::vector<float>& more) { result.insert(result.end(), more.begin(), more.end()); };
  for (std::size_t begin = 0, i = 0; begin < samples.size(); ++i) {
    const std::size_t count = std::min(pieces[i % pieces.size()], samples.size() - begin);
    add(stream.push(std::span(samples).subspan(begin, count)));
    begin += count;
    EXPECT_GE(result.size() + 50000, begin) << "it holds back more than it says";
  }
  add(stream.finish());
  return result;
}

double level_db(std::span<const float> samples) {
  double power = 1e-20;
  for (const float x : samples) power += double(x) * x / double(samples.size());
  return 10 * std::log10(power);
}

/// Gives its audio in pieces that it chooses itself.
class PieceReader : public AudioReader {
 public:
  PieceReader(AudioBuffer audio, std::size_t piece) : audio_(std::move(audio)), piece_(piece) {
    info_.rate = audio_.rate;
    info_.channels = int(audio_.channel_count());
  }
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override {
    const std::size_t count = std::min({max_frames, piece_, audio_.frames() - at_});
    out = AudioBuffer(audio_.rate, 0);
    for (const auto& channel : audio_.channels)
      out.channels.emplace_back(channel.begin() + std::ptrdiff_t(at_), channel.begin() + std::ptrdiff_t(at_ + count));
    at_ += count;
    return count > 0;
  }

 private:
  AudioBuffer audio_;
  AudioInfo info_;
  std::size_t piece_, at_ = 0;
};

AudioBuffer denoised(AudioBuffer audio, std::size_t piece = 10000, std::size_t asked = 20000, double limit_db = 100) {
  PieceReader source(std::move(audio), piece);
  CheckedReader checked(source);
  DenoisingReader reader(checked, shipped(), limit_db);
  AudioBuffer all(reader.info().rate, std::size_t(reader.info().channels)), more;
  while (reader.read(more, asked)) {
    EXPECT_LE(more.frames(), asked);
    for (std::size_t c = 0; c < all.channel_count(); ++c)
      all.channels[c].insert(all.channels[c].end(), more.channels[c].begin(), more.channels[c].end());
  }
  EXPECT_FALSE(reader.read(more, asked));
  return all;
}

AudioBuffer mono(int rate, std::vector<float> samples) {
  AudioBuffer audio(rate, 0);
  audio.channels.push_back(std::move(samples));
  return audio;
}

TEST(Denoise, AnyCutGivesTheSameSamples) {
  const std::vector<float> samples = white_noise(170000);
  const auto whole = streamed(samples, {samples.size()});
  ASSERT_EQ(whole.size(), samples.size());
  EXPECT_EQ(whole, streamed(samples, {1, 479, 70001}));
  EXPECT_EQ(whole, streamed(samples, {480}));
}

TEST(Denoise, KeepsEveryLength) {
  for (const std::size_t count : {0u, 1u, 479u, 480u, 481u, 48000u, 48480u, 96000u, 96479u})
    EXPECT_EQ(streamed(white_noise(count), {777}).size(), count);
}

TEST(Denoise, TakesNoiseAwayAndLeavesTheVoiceInItsPlace) {
  const std::vector<float>& voice = spoken();
  const std::vector<float> noise = white_noise(voice.size(), 0.03f);
  std::vector<float> both = voice;
  for (std::size_t i = 0; i < both.size(); ++i) both[i] += noise[i];
  const auto quiet = streamed(noise, {48000}), result = streamed(both, {48000});
  EXPECT_LT(level_db(std::span(quiet).subspan(48000)), level_db(noise) - 20);
  // Sample by sample: at an offset of a few samples, or with the sign changed, the error would lie above the noise.
  std::vector<float> error(result.size());
  for (std::size_t i = 0; i < error.size(); ++i) error[i] = result[i] - voice[i];
  EXPECT_LT(level_db(std::span(error).subspan(48000)), level_db(noise) - 4);
}

TEST(Denoise, AStreamStartsAnewAfterItsEnd) {
  const std::vector<float> samples = spoken(60000);
  DenoiseStream stream(shipped());
  const auto run = [&] {
    std::vector<float> result = stream.push(samples);
    const auto rest = stream.finish();
    result.insert(result.end(), rest.begin(), rest.end());
    return result;
  };
  const auto first = run();
  EXPECT_EQ(first, run());
}

TEST(Denoise, MinutesOfDigitalSilenceStaySilentAndLeaveWhatFollows) {
  std::vector<float> samples(100 * 48000);  // the means would fall to 0 in it
  const std::vector<float>& voice = spoken();
  samples.insert(samples.end(), voice.begin(), voice.end());
  const auto result = streamed(samples, {480000});
  ASSERT_EQ(result.size(), samples.size());
  for (const float x : result) ASSERT_TRUE(std::isfinite(x));
  EXPECT_LT(level_db(std::span(result).first(99 * 48000)), -120);
  EXPECT_NEAR(level_db(std::span(result).last(voice.size())), level_db(voice), 1);
}

TEST(DenoisingReader, KeepsRateLengthAndChannels) {
  for (const int rate : {8000, 22050, 44100, 48000, 96000})
    for (const std::size_t frames : {std::size_t(rate) / 100, std::size_t(rate) + 7}) {
      AudioBuffer audio(rate, 0);
      for (int c = 0; c < 2; ++c) audio.channels.push_back(white_noise(frames));
      const AudioBuffer result = denoised(audio);
      EXPECT_EQ(result.rate, rate);
      ASSERT_EQ(result.channel_count(), 2u);
      EXPECT_EQ(result.channels[0].size(), frames) << rate;
      EXPECT_EQ(result.channels[1].size(), frames) << rate;
    }
  EXPECT_EQ(denoised(AudioBuffer(44100, 2)).frames(), 0u);
}

TEST(DenoisingReader, AnyCutGivesTheSameSamples) {
  const AudioBuffer audio = mono(44100, spoken(100000));
  EXPECT_EQ(denoised(audio, 100000, 100000).channels, denoised(audio, 777, 50).channels);
}

TEST(DenoisingReader, ChannelsAreIndependent) {
  const std::vector<float> voice = spoken(88200);
  AudioBuffer audio(44100, 0);
  audio.channels = {std::vector<float>(voice.size()), voice};
  const AudioBuffer result = denoised(audio);
  EXPECT_LT(level_db(result.channels[0]), -120);
  EXPECT_EQ(result.channels[1], denoised(mono(44100, voice)).channels[0]);
}

TEST(DenoisingReader, LowersNothingByMoreThanItsLimit) {
  const std::vector<float> noise = white_noise(96000);
  const auto lowered = [&](double limit_db) {
    const AudioBuffer result = denoised(mono(48000, noise), 10000, 20000, limit_db);
    return level_db(std::span(noise).subspan(48000)) - level_db(std::span(result.channels[0]).subspan(48000));
  };
  EXPECT_NEAR(lowered(0), 0, 1e-3);
  EXPECT_NEAR(lowered(12), 12, 0.5);
  EXPECT_GT(lowered(100), 30);
}

TEST(DenoisingReader, StaysFiniteWhateverComes) {
  std::vector<float> samples = spoken(50000);
  for (std::size_t i = 0; i < samples.size(); i += 5000) samples[i] = std::numeric_limits<float>::quiet_NaN();
  samples[7] = std::numeric_limits<float>::infinity();
  samples[20000] = 1e30f;
  const AudioBuffer result = denoised(mono(48000, samples));
  ASSERT_EQ(result.frames(), samples.size());
  for (const float x : result.channels[0]) ASSERT_TRUE(std::isfinite(x));
}

}  // namespace
}  // namespace voxconv
