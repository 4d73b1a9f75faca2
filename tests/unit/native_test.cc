#include <gtest/gtest.h>

#include <cmath>

#include "models/native/acoustic.h"
#include "models/native/config.h"
#include "models/native/difference.h"
#include "models/native/envelope.h"
#include "models/native/source.h"
#include "models/native/vocoder.h"

namespace voxconv::native {
namespace {

/// `frames` frames of the pulse source at a constant pitch: pulses and phase, [2, frames * hop].
torch::Tensor excitation(float f0, std::int64_t frames) {
  torch::Tensor out = torch::zeros({2, frames * hop});
  PulseSource source;
  for (std::int64_t t = 0; t < frames; ++t)
    source.render(f0, f0, {out[0].data_ptr<float>() + t * hop, std::size_t(hop)}, {out[1].data_ptr<float>() + t * hop, std::size_t(hop)});
  return out;
}
torch::Tensor pulses(float f0, std::int64_t frames) { return excitation(f0, frames)[0]; }

torch::Tensor bins_between(double low, double high) {
  const torch::Tensor hz = envelope_centres();
  return torch::logical_and(hz > low, hz < high);
}

TEST(PulseSource, HasUnitPowerAndTheRightPitch) {
  for (float f0 : {80.f, 220.f, 997.f}) {
    const torch::Tensor x = pulses(f0, 100);
    EXPECT_NEAR(x.square().mean().item<float>(), 1, 0.03) << f0;
    const torch::Tensor spectrum = torch::fft::rfft(x).abs();
    EXPECT_NEAR(spectrum.slice(0, 1, std::int64_t(f0 * 1.5)).argmax().item<std::int64_t>() + 1, f0, 1.01) << f0;
  }
}

TEST(PulseSource, DoesNotDependOnTheCut) {
  const torch::Tensor whole = pulses(300, 10);
  PulseSource source;
  for (int t = 0; t < 10; ++t) {
    std::vector<float> part(hop), phase(hop);
    source.render(300, 300, part, phase);
    EXPECT_TRUE(torch::equal(torch::tensor(part), whole.slice(0, t * hop, (t + 1) * hop)));
  }
}

TEST(Envelope, OfWhiteNoiseIsItsLevel) {
  torch::manual_seed(1);
  const torch::Tensor noise = 0.1 * torch::randn(100 * hop);
  for (float f0 : {0.f, 150.f}) {
    const torch::Tensor envelope = analyse_envelope(noise, torch::full({100}, f0)).slice(0, 5, 95);
    // The mean log of a noisy estimate lies a little below the log of the mean.
    EXPECT_NEAR(envelope.index({torch::indexing::Slice(), bins_between(200, 19000)}).mean().item<float>(), std::log(0.1), 0.25) << f0;
  }
}

TEST(Envelope, OfPulsesIsFlatWhateverThePitch) {
  for (float f0 : {90.f, 200.f, 440.f, 800.f}) {
    const torch::Tensor envelope = analyse_envelope(0.1 * pulses(f0, 60), torch::full({60}, f0)).slice(0, 5, 55);
    const torch::Tensor band = envelope.index({torch::indexing::Slice(), bins_between(1000, 18000)});
    EXPECT_NEAR(band.mean().item<float>(), std::log(0.1), 0.1) << f0;
    EXPECT_LT(band.std().item<float>(), 0.15) << f0;
  }
}

TEST(MinimumPhase, OfAOnePoleFilter) {
  const double a = 0.8;
  const torch::Tensor w = torch::arange(fft_bins, torch::kDouble) * (M_PI / double(fft_bins - 1));
  const torch::Tensor re = 1 - a * torch::cos(w), im = a * torch::sin(w);
  const torch::Tensor phase = minimum_phase((-0.5 * torch::log(re.square() + im.square())).to(torch::kFloat));
  EXPECT_TRUE(torch::allclose(phase, -torch::atan2(im, re).to(torch::kFloat), 1e-3, 1e-3));
}

/// Filters that change nothing.
VocoderImpl::Filters flat_filters(std::int64_t frames) {
  return {torch::ones({1, frames, fft_bins}, torch::kComplexFloat), torch::ones({1, frames, fft_bins}),
          torch::zeros({1, frames, 2 * VocoderImpl::period_harmonics + VocoderImpl::gain_points})};
}

TEST(Vocoder, LetsTheNoiseFollowThePitchPeriod) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  Vocoder vocoder;
  const std::int64_t frames = 400;
  const torch::Tensor source = excitation(100, frames).unsqueeze(1);
  auto filters = flat_filters(frames);
  filters.noise_gain.select(-1, 0).fill_(0.6);  // loudest where the pulse stands
  const torch::Tensor audio = vocoder->synthesize(filters, {torch::zeros_like(source[0]), source[1], torch::randn({1, frames * hop})});
  const auto power = [&](const torch::Tensor& where) { return audio.masked_select(where).square().mean().item<float>(); };
  const torch::Tensor cosine = torch::cos(source[1]);
  EXPECT_NEAR(std::log(power(cosine > 0.95) / power(cosine < -0.95)), 2 * 2 * 0.6, 0.15);
  EXPECT_NEAR(audio.slice(1, 5 * hop, (frames - 5) * hop).square().mean().item<float>(), 1, 0.05);
}

TEST(Vocoder, LetsTheNoiseStartWithinAFrame) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  Vocoder vocoder;
  const std::int64_t frames = 60, rows = 40, onset = 30;
  auto filters = flat_filters(frames);
  filters.noise_gain.slice(1, 0, onset).slice(2, 2 * VocoderImpl::period_harmonics).fill_(-3);
  filters.noise_gain.select(1, onset).slice(1, 2 * VocoderImpl::period_harmonics, 2 * VocoderImpl::period_harmonics + 2).fill_(-3);
  const auto repeat = [&](const torch::Tensor& x) { return x.expand({rows, -1, -1}); };
  const torch::Tensor silence = torch::zeros({rows, frames * hop});
  const torch::Tensor audio = vocoder->synthesize({repeat(filters.pulse), repeat(filters.noise), repeat(filters.noise_gain)},
                                                  {silence, silence, torch::randn({rows, frames * hop})});
  const auto level = [&](std::int64_t from, std::int64_t to) {
    return 0.5 * std::log(audio.slice(1, from, to).square().mean().item<double>());
  };
  const std::int64_t start = onset * hop;
  EXPECT_NEAR(level(start, start + hop / 4), -3, 0.15);
  EXPECT_NEAR(level(start + hop / 2, start + hop), 0, 0.1);
}

TEST(Vocoder, StartsAtTheEnvelope) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  Vocoder vocoder;
  const std::int64_t frames = 60;
  for (float f0 : {0.f, 200.f}) {
    const torch::Tensor envelope = torch::full({1, frames, envelope_bins}, std::log(0.1f));
    const torch::Tensor pitch = torch::full({1, frames}, f0);
    const torch::Tensor source = excitation(f0, frames).unsqueeze(1);
    const torch::Tensor audio =
        vocoder->synthesize(vocoder->filters(envelope, pitch), {source[0], source[1], torch::randn({1, frames * hop})});
    ASSERT_EQ(audio.size(1), frames * hop);
    EXPECT_NEAR(audio.slice(1, 10 * hop, 50 * hop).square().mean().sqrt().item<float>(), 0.1, 0.03) << f0;
  }
}

TEST(Vocoder, LocatesSamplesAtTheirFrames) {
  torch::NoGradGuard no_grad;
  Vocoder vocoder;
  torch::Tensor noise = torch::zeros({1, 20 * hop});
  noise[0][10 * hop] = 1;
  const torch::Tensor audio = vocoder->synthesize(flat_filters(20), {torch::zeros_like(noise), torch::zeros_like(noise), noise});
  EXPECT_EQ(audio.abs().argmax().item<std::int64_t>(), 10 * hop);
  EXPECT_NEAR(audio[0][10 * hop].item<float>(), 1, 1e-3);
}

TEST(AcousticModel, DependsOnNoMoreThanItsReach) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  AcousticModel model;
  model->eval();
  const std::int64_t frames = 80, middle = 40;
  const torch::Tensor content = torch::randn({1, frames, content_dim}), f0 = torch::full({1, frames}, 200.f),
                      loudness = torch::full({1, frames}, -3.f);
  const torch::Tensor speaker = torch::nn::functional::normalize(torch::randn({1, speaker_dim}));
  const torch::Tensor before = model(content, f0, loudness, speaker);
  torch::Tensor changed = content.clone();
  changed[0].slice(0, middle + AcousticModelImpl::reach + 1).fill_(5);
  EXPECT_TRUE(torch::allclose(model(changed, f0, loudness, speaker)[0][middle], before[0][middle], 1e-5, 1e-5));
  changed[0][middle + 4].normal_();  // the rim of the reach is too faint to see
  EXPECT_FALSE(torch::allclose(model(changed, f0, loudness, speaker)[0][middle], before[0][middle], 1e-5, 1e-5));
}

/// A forward pass on random features.
torch::Tensor random_envelope(AcousticModel& model) {
  torch::manual_seed(3);
  const std::int64_t frames = 40;
  return model(torch::randn({1, frames, content_dim}), torch::full({1, frames}, 200.f), torch::full({1, frames}, -3.f),
               torch::ones({1, speaker_dim}) / 16);
}

TEST(Difference, ChangesNothingAtFirstAndIsATenthOfTheModel) {
  AcousticModel model;
  model->eval();
  const torch::Tensor before = random_envelope(model);
  Difference difference(*model);
  difference->apply();
  EXPECT_TRUE(torch::equal(random_envelope(model), before));
  std::int64_t numbers = 0, all = 0;
  for (const auto& parameter : difference->parameters()) numbers += parameter.numel();
  for (const auto& parameter : model->parameters()) all += parameter.numel();
  EXPECT_LT(numbers * 8, all);
}

// A step along the gradients that the difference collects lowers a loss of the model by what those gradients say.
TEST(Difference, CollectsItsGradients) {
  AcousticModel model;
  model->eval();
  Difference difference(*model);
  torch::manual_seed(5);
  {
    torch::NoGradGuard no_grad;
    for (const auto& parameter : difference->parameters()) parameter.add_(0.02 * torch::randn_like(parameter));
  }
  difference->apply();
  const auto loss = [&] { return random_envelope(model).square().mean(); };
  difference->clear_gradients();
  const torch::Tensor before = loss();
  before.backward();
  difference->collect_gradients();
  double expected = 0;
  {
    torch::NoGradGuard no_grad;
    constexpr double step = 1e-4;
    for (const auto& parameter : difference->parameters()) {
      ASSERT_TRUE(parameter.grad().defined());
      expected += step * parameter.grad().square().sum().item<double>();
      parameter.sub_(step * parameter.grad());
    }
    difference->apply();
    const double found = (before - loss()).item<double>();
    EXPECT_GT(found, 0);
    EXPECT_NEAR(found, expected, 0.1 * expected);
  }
}

}  // namespace
}  // namespace voxconv::native
