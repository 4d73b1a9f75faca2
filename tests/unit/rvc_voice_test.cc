// The stream of an RVC voice, with the tiny checkpoints of the golden tests and with made-up parts that show what they were given.
#include "models/rvc/rvc_voice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "../golden/golden.h"
#include "../golden/rvc_golden.h"
#include "core/random.h"
#include "models/rvc/formant_clock.h"
#include "models/rvc/prior_stream.h"
#include "voxconv/error.h"

namespace voxconv::rvc {
namespace {

using golden::relative_error;

/// A made-up song: content without meaning, gliding pitch with gaps.
FeatureFrames made_frames(const Config& config, std::int64_t count) {
  torch::manual_seed(5);
  torch::Tensor f0 = 200 + 60 * torch::sin(torch::arange(count) / 40.0);
  for (std::int64_t gap = 60; gap + 15 < count; gap += 110) f0.slice(0, gap, gap + 15).zero_();
  return {torch::randn({count, config.content_dim}), f0, torch::zeros({count})};
}

FeatureFrames cut(const FeatureFrames& frames, std::int64_t first, std::int64_t last) {
  return {frames.content.slice(0, first, last), frames.f0.slice(0, first, last), frames.loudness.slice(0, first, last)};
}

std::vector<float> synthesize(const VoiceModel& voice, const FeatureFrames& frames, const SynthesisOptions& options = {},
                              std::int64_t piece = 1 << 20) {
  const auto stream = voice.start(options);
  std::vector<float> all;
  std::int64_t first = 0;
  do {
    const std::int64_t last = std::min(first + piece, frames.size());
    const std::vector<float> more = stream->push(cut(frames, first, last), last == frames.size());
    all.insert(all.end(), more.begin(), more.end());
    first = last;
  } while (first < frames.size());
  return all;
}

torch::Tensor tensor(std::vector<float> samples) { return torch::tensor(samples); }

class RvcVoice : public testing::TestWithParam<const char*> {
 protected:
  const GoldenModel model_{GetParam()};
  const Config& config_ = model_.checkpoint.config;
  const std::shared_ptr<const VoiceModel> voice_ = make_voice(model_.synthesizer);
};

INSTANTIATE_TEST_SUITE_P(Variants, RvcVoice, testing::ValuesIn(golden_models), [](const auto& test) { return std::string(test.param); });

TEST_P(RvcVoice, SaysWhatItNeeds) {
  EXPECT_EQ(voice_->sample_rate(), config_.sample_rate);
  EXPECT_EQ(voice_->speakers(), 3);
  EXPECT_EQ(voice_->requirements().pitch, config_.f0);
  EXPECT_FALSE(voice_->speaker_embedding().defined());
}

TEST_P(RvcVoice, SingsPiecesAsTheWhole) {
  for (const std::int64_t count : {0, 1, 100, 109, 311, 520}) {
    const FeatureFrames frames = made_frames(config_, count);
    const std::vector<float> whole = synthesize(*voice_, frames, {.seed = 3});
    ASSERT_EQ(static_cast<std::int64_t>(whole.size()), count * config_.hop());
    EXPECT_EQ(synthesize(*voice_, frames, {.seed = 3}, 73), whole) << count;
  }
}

TEST_P(RvcVoice, GivesTheFirstSoundSoon) {
  const auto stream = voice_->start({});
  EXPECT_FALSE(stream->push(made_frames(config_, 250), false).empty());
}

TEST_P(RvcVoice, NeedsTheFramesThatItDeclares) {
  for (const double formant : {0.0, -12.0, 5.0}) {
    const SynthesisOptions options{.formant = formant};
    const VoiceWindows declared = voice_->windows(options);
    const std::int64_t lookahead = declared.windows.hop + declared.windows.right + declared.behind;
    const auto stream = voice_->start(options);
    const FeatureFrames frames = made_frames(config_, 1600);
    std::int64_t samples = 0, furthest = 0;
    for (std::int64_t t = 0; t < frames.size(); t += 2) {
      samples += std::int64_t(stream->push(cut(frames, t, t + 2), false).size());
      furthest = std::max(furthest, t + 2 - samples / config_.hop());
    }
    EXPECT_LE(furthest, lookahead) << formant;
    EXPECT_GE(furthest, lookahead - 12) << formant << ": no more than is needed";
  }
}

TEST_P(RvcVoice, DrawsBySeed) {
  const FeatureFrames frames = made_frames(config_, 50);
  EXPECT_EQ(synthesize(*voice_, frames, {.seed = 1}), synthesize(*voice_, frames, {.seed = 1}));
  EXPECT_NE(synthesize(*voice_, frames, {.seed = 1}), synthesize(*voice_, frames, {.seed = 2}));
}

TEST_P(RvcVoice, HasSpeakers) {
  const FeatureFrames frames = made_frames(config_, 50);
  EXPECT_NE(synthesize(*voice_, frames, {.speaker = 0}), synthesize(*voice_, frames, {.speaker = 2}));
  try {
    voice_->start({.speaker = 3});
    FAIL() << "there is a fourth speaker";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
  }
}

/// Another synthesizer's parts, but for what a test makes up.
class Altered : public Synthesizer {
 public:
  explicit Altered(std::shared_ptr<const Synthesizer> base) : base_(std::move(base)) {}
  const Config& config() const override { return base_->config(); }
  torch::Device device() const override { return base_->device(); }
  torch::Tensor speaker(std::int64_t id) const override { return base_->speaker(id); }
  Prior encode(const torch::Tensor& content, const torch::Tensor& f0) const override { return base_->encode(content, f0); }
  torch::Tensor flow(const torch::Tensor& drawn, const torch::Tensor& speaker) const override { return base_->flow(drawn, speaker); }
  std::int64_t flow_context_frames() const override { return base_->flow_context_frames(); }
  const Decoder& decoder() const override { return base_->decoder(); }

 private:
  std::shared_ptr<const Synthesizer> base_;
};

/// Its prior depends on the frame alone, so that windows make no difference.
class LocalPrior final : public Altered {
 public:
  using Altered::Altered;
  Prior encode(const torch::Tensor& content, const torch::Tensor&) const override {
    const std::int64_t inter = config().inter_channels;
    return {content.slice(1, 0, inter).t(), content.slice(1, inter, 2 * inter).t() * 0.1};
  }
};

TEST_P(RvcVoice, JoinsFlowAndDecoderWithoutSeams) {
  const LocalPrior synthesizer(model_.synthesizer);
  const std::int64_t count = 500, inter = config_.inter_channels, hop = config_.hop();
  const FeatureFrames frames = made_frames(config_, count);
  const torch::Tensor sung =
      tensor(synthesize(*make_voice(std::make_shared<LocalPrior>(model_.synthesizer)), frames, {.seed = 4, .speaker = 2}));

  const Prior prior = synthesizer.encode(frames.content, frames.f0);
  torch::Tensor noise = torch::empty({count, inter}), source_noise = torch::empty({count * hop, 1});
  fill_normal_noise(8, 0, {noise.data_ptr<float>(), std::size_t(noise.numel())});
  fill_normal_noise(9, 0, {source_noise.data_ptr<float>(), std::size_t(source_noise.numel())});
  const torch::Tensor speaker = synthesizer.speaker(2);
  const torch::Tensor z = synthesizer.flow(prior.mean + prior.log_deviation.exp() * noise.t() * prior_temperature, speaker);
  Decoder::Phase phase;
  const torch::Tensor excitation = config_.f0 ? synthesizer.decoder().excite(frames.f0, source_noise, phase) : torch::Tensor();
  EXPECT_LT(relative_error(sung, synthesizer.decoder().decode(z, excitation, speaker)), 1e-5);
}

/// Its prior is the number of the window, and it notes how much it was given at a time.
class Counting final : public Altered {
 public:
  using Altered::Altered;
  Prior encode(const torch::Tensor& content, const torch::Tensor&) const override {
    most_encoded = std::max(most_encoded, content.size(0));
    const torch::Tensor number = torch::full({config().inter_channels, content.size(0)}, static_cast<float>(windows++));
    return {number, number.clone()};
  }
  torch::Tensor flow(const torch::Tensor& drawn, const torch::Tensor& speaker) const override {
    most_flowed = std::max(most_flowed, drawn.size(1));
    return Altered::flow(drawn, speaker);
  }
  mutable std::int64_t most_encoded = 0, most_flowed = 0;
  mutable int windows = 0;
};

TEST(RvcPriorStream, FadesFromWindowToWindow) {
  const GoldenModel model("v1_40k_nono");
  const Counting synthesizer(model.synthesizer);
  PriorStream stream(synthesizer, 1);
  const std::int64_t count = 1000;
  stream.append(torch::zeros({count, model.checkpoint.config.content_dim}), {});
  std::vector<torch::Tensor> parts;
  for (Prior prior; stream.next(true, prior);) parts.push_back(prior.mean[0].clone());
  const torch::Tensor mean = torch::cat(parts);
  ASSERT_EQ(mean.size(0), count);
  const auto x = mean.accessor<float, 1>();
  const std::int64_t whole = PriorStream::window_frames, borders[] = {whole / 4, whole * 3 / 4, whole * 7 / 4};
  for (int k = 0; k < 3; ++k) {
    EXPECT_EQ(x[borders[k] - 11], float(k));
    EXPECT_EQ(x[borders[k] + 10], float(k + 1));
    for (std::int64_t t = borders[k] - 10; t < borders[k] + 10; ++t) EXPECT_NEAR(x[t], k + (t - borders[k] + 10.5) / 20, 1e-5);
  }
  EXPECT_EQ(x[count - 1], 3);
}

TEST(RvcStream, WorksInBoundedPieces) {
  const GoldenModel model("v1_40k_nono");
  const auto synthesizer = std::make_shared<Counting>(model.synthesizer);
  synthesize(*make_voice(synthesizer), made_frames(model.checkpoint.config, 3000));
  EXPECT_EQ(synthesizer->windows, 10);
  EXPECT_LE(synthesizer->most_encoded, 620);
  EXPECT_LE(synthesizer->most_flowed, 460);
}

/// Lets the excitation through, and more of it near `resonance` Hz: a filter with one formant.
class FormantFilter final : public Decoder {
 public:
  static constexpr double resonance = 2000;
  explicit FormantFilter(const GoldenModel& model) : source_(model.synthesizer->decoder()), hop_(model.checkpoint.config.hop()) {
    const torch::Tensor t = torch::arange(-hop_, hop_ + 1, torch::kFloat) / double(model.checkpoint.config.sample_rate);
    filter_ = torch::cos(t * (2 * std::numbers::pi * resonance)) * torch::hann_window(2 * hop_ + 1, false);
    filter_[hop_] += 1;
  }
  torch::Tensor decode_part(const torch::Tensor&, const torch::Tensor& excitation, const torch::Tensor&, std::int64_t first,
                            std::int64_t last) const override {
    return torch::conv1d(excitation.view({1, 1, -1}), filter_.view({1, 1, -1}), {}, 1, hop_).view({-1}).slice(0, first * hop_, last * hop_);
  }
  std::int64_t context_frames() const override { return 1; }
  std::int64_t partials() const override { return 1; }
  torch::Tensor excite(const torch::Tensor& f0, const torch::Tensor& noise, Phase& phase) const override {
    return source_.excite(f0, noise, phase);
  }

 private:
  const Decoder& source_;
  std::int64_t hop_;
  torch::Tensor filter_;
};

class FormantVoice final : public Altered {
 public:
  explicit FormantVoice(const GoldenModel& model) : Altered(model.synthesizer), filter_decoder_(model) {}
  const Decoder& decoder() const override { return filter_decoder_; }

 private:
  FormantFilter filter_decoder_;
};

/// Hz of the strongest partial above 50 Hz, of a second from the middle.
double loudest_hz(const std::vector<float>& audio, int rate) {
  const torch::Tensor second = tensor(audio).narrow(0, std::int64_t(audio.size()) / 2 - rate / 2, rate) * torch::hann_window(rate);
  return 50 + double(torch::fft_rfft(second).abs().slice(0, 50).argmax().item<std::int64_t>());
}

/// Power-weighted mean of the frequencies between 500 Hz and 6 kHz, of a second from the middle.
double centre_hz(const std::vector<float>& audio, int rate) {
  const torch::Tensor second = tensor(audio).narrow(0, std::int64_t(audio.size()) / 2 - rate / 2, rate) * torch::hann_window(rate);
  const torch::Tensor power = torch::fft_rfft(second).abs().square().slice(0, 500, 6000);
  return ((torch::arange(500, 6000) * power).sum() / power.sum()).item<double>();
}

TEST(RvcFormant, MovesTheEnvelopeAndKeepsThePitch) {
  const GoldenModel model("v2_40k");
  const auto voice = make_voice(std::make_shared<FormantVoice>(model));
  FeatureFrames voiced = made_frames(model.checkpoint.config, 140), unvoiced = voiced;
  voiced.f0 = torch::full({140}, 440.0F);
  unvoiced.f0 = torch::zeros({140});
  for (const double formant : {-7.0, 0.0, 7.0}) {
    const double ratio = std::exp2(formant / 12);
    EXPECT_NEAR(loudest_hz(synthesize(*voice, voiced, {.formant = formant}), 40000), 440, 1.01) << formant;
    EXPECT_NEAR(centre_hz(synthesize(*voice, unvoiced, {.formant = formant}), 40000), FormantFilter::resonance * ratio, 60) << formant;
  }
}

TEST(RvcFormant, ShiftsPiecesAsTheWhole) {
  const GoldenModel model("v2_40k");
  const auto voice = make_voice(model.synthesizer);
  const FeatureFrames frames = made_frames(model.checkpoint.config, 330);
  for (const double formant : {-5.0, 0.3, 7.0}) {
    const std::vector<float> whole = synthesize(*voice, frames, {.formant = formant});
    ASSERT_EQ(static_cast<std::int64_t>(whole.size()), 330 * model.checkpoint.config.hop());
    EXPECT_EQ(synthesize(*voice, frames, {.formant = formant}, 61), whole) << formant;
  }
}

TEST(RvcFormant, TellsTheVoiceThePitchItsDecoderSings) {
  /// Notes the pitch it is told.
  class Listening final : public Altered {
   public:
    using Altered::Altered;
    Prior encode(const torch::Tensor& content, const torch::Tensor& f0) const override {
      told = f0.max().item<double>();
      return Altered::encode(content, f0);
    }
    mutable double told = 0;
  };
  const GoldenModel model("v2_40k");
  const auto synthesizer = std::make_shared<Listening>(model.synthesizer);
  FeatureFrames frames = made_frames(model.checkpoint.config, 30);
  frames.f0 = torch::full({30}, 440.0F);
  synthesize(*make_voice(synthesizer), frames, {.formant = 12});
  EXPECT_NEAR(synthesizer->told, 220, 1e-3);
}

TEST(RvcFormant, KnowsWhichFramesCanBeHad) {
  for (const double semitones : {-12.0, -0.4, 0.0, 3.0, 12.0}) {
    const FormantClock clock(semitones, 40000);
    FrameBuffer latent(1), all(1);
    all.append(torch::arange(200, torch::kFloat).view({1, 200}));
    latent.append(all.get(0, 90));
    const std::int64_t frames = clock.decoder_frames(90, false), end = clock.decoder_frames(200, true);
    EXPECT_EQ(end, std::int64_t(std::ceil(200 * clock.ratio())));
    EXPECT_TRUE(clock.latent(latent, 0, frames).equal(clock.latent(all, 0, frames))) << semitones;
    const torch::Tensor more = clock.latent(all, frames, end).clone();
    all.drop_before(clock.song_frame(frames));
    EXPECT_TRUE(clock.latent(all, frames, end).equal(more)) << semitones;
  }
}

/// A decoder of Applio's with random weights, of the shapes in the decoders' golden file, and nothing in front of it.
class DecoderOnly final : public Synthesizer {
 public:
  explicit DecoderOnly(Vocoder vocoder) {
    const bool mrf = vocoder == Vocoder::mrf_hifigan;
    config_.vocoder = vocoder;
    config_.content_dim = config_.inter_channels = 6;
    config_.upsample_rates = mrf ? std::vector<std::int64_t>{4, 2, 3} : std::vector<std::int64_t>{3, 2};
    config_.upsample_kernels = mrf ? std::vector<std::int64_t>{8, 4, 6} : std::vector<std::int64_t>{6, 4};
    config_.upsample_channels = mrf ? 32 : 128;
    config_.resblock_kernels = {3, 5};
    config_.resblock_dilations = {{1, 3}, {1, 2}};
    config_.sample_rate = mrf ? 2400 : 600;
    const nn::Safetensors file = golden::open("rvc_decoders");
    const std::string start = mrf ? "mrf.shape." : "refinegan.shape.";
    torch::manual_seed(2);
    nn::StateDict weights;
    for (const std::string& name : file.names()) {
      if (name.rfind(start, 0) != 0) continue;
      const torch::Tensor extents = file.get(name).to(torch::kLong).contiguous();
      const std::vector<std::int64_t> shape(extents.data_ptr<std::int64_t>(), extents.data_ptr<std::int64_t>() + extents.numel());
      const torch::Tensor weight = torch::randn(shape);
      weights["dec." + name.substr(start.size())] = weight / std::sqrt(double(weight.numel()) / double(shape[0]));
    }
    decoder_ = make_decoder(config_, weights, torch::kCPU, torch::kFloat);
  }
  const Config& config() const override { return config_; }
  torch::Device device() const override { return torch::kCPU; }
  torch::Tensor speaker(std::int64_t) const override { return torch::zeros(256); }
  Prior encode(const torch::Tensor& content, const torch::Tensor&) const override {
    return {content.t().contiguous(), torch::full({6, content.size(0)}, -20.0F)};
  }
  torch::Tensor flow(const torch::Tensor& drawn, const torch::Tensor&) const override { return drawn; }
  std::int64_t flow_context_frames() const override { return 0; }
  const Decoder& decoder() const override { return *decoder_; }

 private:
  Config config_;
  std::unique_ptr<const Decoder> decoder_;
};

TEST(RvcStream, JoinsApplioDecodersWithoutSeams) {
  torch::set_num_threads(1);
  for (const Vocoder vocoder : {Vocoder::mrf_hifigan, Vocoder::refinegan}) {
    const auto synthesizer = std::make_shared<DecoderOnly>(vocoder);
    const Config& config = synthesizer->config();
    FeatureFrames frames = made_frames(config, 900);
    frames.f0 = frames.f0 / 40;  // of voices that sing at a few kHz
    const torch::Tensor sung = tensor(synthesize(*make_voice(synthesizer), frames, {.seed = 4}));

    const Decoder& decoder = synthesizer->decoder();
    torch::Tensor noise = torch::empty({900 * config.hop(), decoder.partials()});
    fill_normal_noise(9, 0, {noise.data_ptr<float>(), std::size_t(noise.numel())});
    Decoder::Phase phase;
    const torch::Tensor excitation = decoder.excite(frames.f0, noise, phase);
    EXPECT_LT(relative_error(sung, decoder.decode(frames.content.t(), excitation, synthesizer->speaker(0))), 1e-4) << int(vocoder);
  }
}

TEST(RvcVoices, RefuseAnotherClock) {
  /// 441 samples a frame at 40 kHz.
  class Odd final : public Altered {
   public:
    explicit Odd(const GoldenModel& model) : Altered(model.synthesizer), config_(model.checkpoint.config) { config_.sample_rate = 44100; }
    const Config& config() const override { return config_; }

   private:
    Config config_;
  };
  try {
    make_voice(std::make_shared<Odd>(GoldenModel("v2_40k")));
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_model);
  }
}

}  // namespace
}  // namespace voxconv::rvc
