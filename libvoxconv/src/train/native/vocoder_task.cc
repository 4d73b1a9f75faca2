#include "train/native/vocoder_task.h"

#include <cmath>
#include <numbers>

#include "audio/resampler.h"
#include "models/native/config.h"
#include "models/native/envelope.h"
#include "models/native/source.h"
#include "nn/module.h"
#include "train/losses.h"

namespace voxconv::train {
namespace {

using native::hop;

constexpr std::int64_t batch_size = 8;
constexpr std::int64_t edge = native::VocoderImpl::ring;  // frames at each end that the loss leaves out
constexpr std::int64_t crop_frames = 96 + 2 * edge;       // about a second
constexpr double slowest = 0.75, fastest = 2.4;           // of the speed augmentation
constexpr std::int64_t stft_sizes[] = {128, 256, 400, 512, 640, 900, 1200, 1600, 2048, 2400};

/// A passage played `speed` times as fast, exactly `frames` frames of it; the pitch goes with the speed.
std::pair<torch::Tensor, torch::Tensor> at_speed(const Crop& crop, std::int64_t frames, double speed) {
  const std::int64_t source_frames = std::int64_t(std::ceil(double(frames) * speed)) + 1;
  const SpeakerData& s = *crop.speaker;
  const std::int64_t end = s.bounds[std::size_t(crop.clip) + 1];
  const std::int64_t last = std::min(crop.frame + source_frames, end);
  const torch::Tensor raw = s.audio.slice(0, crop.frame * hop, last * hop).to(torch::kFloat) / 32768;
  const AudioBuffer buffer = to_buffer(raw, int(std::lround(native::sample_rate * speed)));
  const AudioBuffer played = speed == 1 ? buffer : resample(buffer, native::sample_rate, ResamplerQuality::fastest);
  torch::Tensor audio = torch::tensor(at::ArrayRef<float>(played.channels[0]));
  audio = torch::constant_pad_nd(audio, {0, frames * hop - std::min(audio.size(0), frames * hop)}).slice(0, 0, frames * hop);

  const torch::Tensor place = torch::arange(frames, torch::kFloat) * speed;
  const torch::Tensor low = place.floor().to(torch::kLong).clamp_max(last - crop.frame - 1);
  const torch::Tensor high = (low + 1).clamp_max(last - crop.frame - 1);
  const torch::Tensor f0 = s.f0.slice(0, crop.frame, last), a = f0.index_select(0, low), b = f0.index_select(0, high);
  const torch::Tensor both = torch::logical_and(a > 0, b > 0), part = place - low;
  const torch::Tensor pitch = torch::where(both, a + (b - a) * part, torch::where(part < 0.5, a, b)) * speed;
  return {audio, torch::where(pitch > 1600, torch::zeros_like(pitch), pitch)};
}

/// f0 [T] as it might as well have been estimated: with a slow random error of a few cents.
torch::Tensor with_estimation_error(const torch::Tensor& f0, RandomSource& random) {
  constexpr double largest_error = 10;  // cents
  constexpr std::int64_t spacing = 12;  // frames between the points that it runs through
  torch::Tensor cents = torch::empty({1, 1, f0.size(0) / spacing + 2});
  for (std::int64_t i = 0; i < cents.numel(); ++i) cents[0][0][i] = random.between(-largest_error, largest_error);
  const auto smooth = torch::nn::functional::interpolate(
      cents,
      torch::nn::functional::InterpolateFuncOptions().size(std::vector<std::int64_t>{f0.size(0)}).mode(torch::kLinear).align_corners(true));
  return f0 * torch::exp2(smooth.flatten() / 1200);
}

}  // namespace

std::pair<torch::Tensor, torch::Tensor> render_pulses_twice(const torch::Tensor& f0, RandomSource& random) {
  std::vector<torch::Tensor> rendered_f0;
  std::vector<double> phases;
  for (std::int64_t i = 0; i < 2 * f0.size(0); ++i) {
    rendered_f0.push_back(with_estimation_error(f0[i % f0.size(0)], random));
    phases.push_back(random.between(-std::numbers::pi, std::numbers::pi));
  }
  return native::render_pulses(torch::stack(rendered_f0), phases);
}

torch::Tensor white_noise(std::int64_t rows, std::int64_t samples) { return (torch::rand({rows, samples}) * 2 - 1) * std::sqrt(3.0); }

VocoderTask::VocoderTask(const Corpus& corpus, native::Vocoder vocoder, torch::Device device, double peak_rate)
    : corpus_(corpus), vocoder_(std::move(vocoder)), device_(device), learner_("vocoder", vocoder_.ptr(), peak_rate, true) {}

VocoderTask::Batch VocoderTask::make_batch(const std::vector<Crop>& crops, RandomSource& random, bool augment) const {
  std::vector<torch::Tensor> audio, envelope, f0;
  for (const Crop& crop : crops) {
    const double speed = augment && random.uniform() < 0.6 ? slowest * std::pow(fastest / slowest, random.uniform()) : 1.0;
    auto [sound, pitch] = at_speed(crop, crop_frames, speed);
    if (augment) sound = sound * random.between(0.3, 1.3);
    audio.push_back(sound);
    f0.push_back(pitch);
    envelope.push_back(native::analyse_envelope(sound, pitch));
  }
  const auto [pulses, phase] = render_pulses_twice(torch::stack(f0), random);
  return {torch::stack(audio).to(device_), torch::stack(envelope).to(device_), torch::stack(f0).to(device_), pulses.to(device_),
          phase.to(device_)};
}

torch::Tensor VocoderTask::render_twice(const Batch& batch) {
  const auto filters = vocoder_->filters(batch.envelope, batch.f0);
  const auto twice = [](const torch::Tensor& x) { return torch::cat({x, x}); };
  return vocoder_->synthesize({twice(filters.pulse), twice(filters.noise), twice(filters.noise_gain)},
                              {batch.pulses, batch.phase, white_noise(2 * batch.f0.size(0), batch.audio.size(1)).to(device_)});
}

torch::Tensor VocoderTask::loss(const Batch& batch, const std::vector<std::int64_t>& sizes) {
  const auto inner = [](const torch::Tensor& audio) { return audio.slice(1, edge * hop, (crop_frames - edge) * hop); };
  const torch::Tensor renderings = inner(render_twice(batch)), target = inner(batch.audio);
  return spectral_energy_distance(renderings, target, sizes) + band_level_distance(renderings, target);
}

std::map<std::string, double> VocoderTask::step(RandomSource& random, double progress) {
  std::vector<Crop> crops;
  for (std::int64_t b = 0; b < batch_size; ++b) crops.push_back(corpus_.draw(random, crop_frames));
  const Batch batch = make_batch(crops, random, true);
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < 4; ++i) sizes.push_back(stft_sizes[random.below(std::size(stft_sizes))]);
  const torch::Tensor distance = loss(batch, sizes);
  learner_.step(distance, rate_scale(steps_++, progress));
  return {{"loss", distance.item<double>()}};
}

double VocoderTask::held_out_loss() {
  torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  const AveragedWeights averaged(learner_);
  RandomSource random(1, 1);
  const auto crops = corpus_.held_out(crop_frames, 48);
  double sum = 0;
  std::int64_t batches = 0;
  for (std::size_t i = 0; i + batch_size <= crops.size(); i += batch_size, ++batches) {
    const Batch batch = make_batch({crops.begin() + std::ptrdiff_t(i), crops.begin() + std::ptrdiff_t(i) + batch_size}, random, false);
    sum += loss(batch, {256, 512, 1200, 2048}).item<double>();
  }
  return batches ? sum / double(batches) : 0;
}

std::map<std::string, torch::Tensor> VocoderTask::weights() {
  const AveragedWeights averaged(learner_);
  return nn::named_tensors(*vocoder_, "", torch::kHalf);
}

void VocoderTask::save(std::map<std::string, torch::Tensor>& checkpoint) const {
  learner_.save(checkpoint);
  checkpoint["vocoder:task"] = torch::tensor(steps_);
}

void VocoderTask::load(const std::map<std::string, torch::Tensor>& checkpoint) {
  learner_.load(checkpoint);
  steps_ = checkpoint.at("vocoder:task").item<std::int64_t>();
}

AudioBuffer VocoderTask::render_sample() {
  torch::NoGradGuard no_grad;
  RandomSource random(1, 1);
  const auto crops = corpus_.held_out(crop_frames, 4);
  if (crops.empty()) return AudioBuffer(native::sample_rate, 1, hop);
  const AveragedWeights averaged(learner_);
  const Batch batch = make_batch(crops, random, false);
  const auto renderings = render_twice(batch).chunk(2);
  return to_buffer(torch::cat({batch.audio, renderings[0]}, 1), native::sample_rate);
}

}  // namespace voxconv::train
