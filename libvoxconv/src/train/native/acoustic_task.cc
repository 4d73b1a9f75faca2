#include "train/native/acoustic_task.h"

#include <cmath>

#include "models/native/config.h"
#include "models/native/envelope.h"
#include "models/native/source.h"
#include "nn/device.h"
#include "nn/module.h"
#include "train/losses.h"
#include "train/native/vocoder_task.h"

namespace voxconv::train {
namespace {

using native::hop;

constexpr std::int64_t phrase_batch = 4, phrase_frames = 200;
constexpr std::int64_t discriminator_widths[] = {1, 24, 48, 96, 96};
constexpr double difference_weight = 0.5, adversarial_weight = 0.2, words_weight = 10;

/// Input of the discriminator: relative to the loudness, and a constant where the speaker's recordings hold nothing.
torch::Tensor discriminator_input(const torch::Tensor& envelope, const torch::Tensor& loudness, const torch::Tensor& in_band) {
  const torch::Tensor relative = (envelope - loudness.unsqueeze(-1)).clamp(-9, 3);
  return torch::where(in_band > 0, relative, torch::full({}, -9.f, relative.options()));
}

}  // namespace

DiscriminatorImpl::DiscriminatorImpl() {
  layers_ = register_module("layers", torch::nn::ModuleList());
  for (std::size_t i = 0; i + 1 < std::size(discriminator_widths); ++i)
    layers_->push_back(torch::nn::Conv2d(
        torch::nn::Conv2dOptions(discriminator_widths[i], discriminator_widths[i + 1], {5, 5}).stride(i < 3 ? 2 : 1).padding(2)));
  const std::int64_t last = discriminator_widths[std::size(discriminator_widths) - 1];
  score_ = register_module("score", torch::nn::Conv2d(torch::nn::Conv2dOptions(last, 1, 3).padding(1)));
  speaker_ = register_module("speaker", torch::nn::Linear(native::speaker_dim, last));
}

torch::Tensor DiscriminatorImpl::forward(const torch::Tensor& envelope, const torch::Tensor& speaker) {
  torch::Tensor h = envelope.unsqueeze(1) / 2;
  for (const auto& layer : *layers_) h = torch::leaky_relu(layer->as<torch::nn::Conv2d>()->forward(h), 0.2);
  const torch::Tensor wanted = speaker_(speaker * std::sqrt(double(native::speaker_dim)) / 4).unsqueeze(-1).unsqueeze(-1);
  return (score_(h) + (h * wanted).mean(1, true)).flatten(1);
}

ContentReaderImpl::ContentReaderImpl() {
  constexpr std::int64_t width = 192;
  input_ = register_module("input", torch::nn::Conv1d(torch::nn::Conv1dOptions(native::envelope_bins, width, 5).padding(2)));
  blocks_ = register_module("blocks", torch::nn::ModuleList());
  for (int i = 0; i < 4; ++i) blocks_->push_back(native::ConvNeXt(width, 3));
  output_ = register_module("output", torch::nn::Linear(width, native::content_dim));
}

torch::Tensor ContentReaderImpl::forward(const torch::Tensor& envelope) {
  torch::Tensor h = native::convolve_time(input_, (envelope + 4) / 3);
  for (const auto& block : *blocks_) h = block->as<native::ConvNeXt>()->forward(h);
  return output_(h);
}

void extrapolate_upper_band(torch::Tensor& weight, torch::Tensor& bias, double top_hz) {
  constexpr double slope = -0.25;  // nepers a point: the usual fall of speech at 10 to 20 kHz
  const torch::Tensor centres = native::envelope_centres();
  const std::int64_t taught = (centres < top_hz).sum().item<std::int64_t>();
  if (taught == 0) return;
  weight = weight.clone();
  bias = bias.clone();
  for (std::int64_t k = taught; k < native::envelope_bins; ++k) {
    weight[k].copy_(weight[taught - 1]);
    bias[k] = bias[taught - 1] + slope * double(k - taught + 1);
  }
}

AcousticTask::AcousticTask(const Corpus& corpus, native::AcousticModel model, native::Vocoder vocoder, torch::Device device,
                           AcousticTaskOptions options)
    : corpus_(corpus),
      model_(std::move(model)),
      difference_(options.as_difference ? native::Difference(*model_) : nullptr),
      vocoder_(std::move(vocoder)),
      device_(device),
      options_(options),
      learner_(make_learner()),
      critic_("discriminator", discriminator_.ptr(), 3e-4, false),
      reading_("reader", reader_.ptr(), 6e-4, false) {
  discriminator_->to(device);
  reader_->to(device);
  if (options.keep_upper_band) {
    torch::NoGradGuard no_grad;
    teacher_ = native::AcousticModel(model_->content_channels());
    nn::load_parameters(*teacher_, nn::named_tensors(*model_, "", torch::kFloat), "the starting weights");
    teacher_->to(device);
    teacher_->eval();
  }
  for (const SpeakerData& speaker : corpus.speakers()) {
    const torch::Tensor voiced = speaker.f0.masked_select(speaker.f0 > 0);
    traits_[&speaker] = {speaker.embedding(), voiced.numel() ? voiced.median().item<float>() : 150.f};
  }
}

Learner AcousticTask::make_learner() {
  if (difference_.is_empty()) return {"acoustic", model_.ptr(), options_.peak_rate, true};
  // The start of each product is zero times a random matrix: as much as a step of full weights changes takes larger steps of the factors.
  constexpr double factor_rate = 3;
  native::DifferenceImpl* difference = difference_.get();
  return {"difference",
          difference_.ptr(),
          factor_rate * options_.peak_rate,
          true,
          {[=] { difference->clear_gradients(); }, [=] { difference->collect_gradients(); }, [=] { difference->apply(); }}};
}

AcousticTask::Batch AcousticTask::make_batch(const std::vector<Crop>& crops, RandomSource& random, bool augment) const {
  std::vector<torch::Tensor> content, f0, loudness, envelope, speaker, band;
  std::vector<float> medians;
  const torch::Tensor centres = native::envelope_centres();
  for (const Crop& crop : crops) {
    const SpeakerData& s = *crop.speaker;
    const std::int64_t end = crop.frame + phrase_frames;
    const std::int64_t variant = augment ? random.below(content_variants) : 0;
    content.push_back(s.content_of(variant, crop.frame, phrase_frames));
    // The envelope hardly depends on the pitch: shifting the input pitch trains the model for pitches outside of the recordings.
    const double shift = augment && random.uniform() < 0.5 ? random.between(-5, 12) : 0;
    f0.push_back(s.f0.slice(0, crop.frame, end) * std::exp2(shift / 12));
    loudness.push_back(s.loudness.slice(0, crop.frame, end));
    envelope.push_back(s.envelope.slice(0, crop.frame, end).to(torch::kFloat));
    speaker.push_back(traits_.at(&s).embedding);
    medians.push_back(traits_.at(&s).median_f0);
    band.push_back((centres < s.band_hz).to(torch::kFloat).unsqueeze(0));
  }
  const auto join = [&](const std::vector<torch::Tensor>& rows) { return torch::stack(rows).to(device_); };
  return {join(content), join(f0), join(loudness), join(envelope), join(speaker), join(band), torch::tensor(medians).to(device_)};
}

torch::Tensor AcousticTask::predict(native::AcousticModel& model, const Batch& batch, const torch::Tensor& f0,
                                    const torch::Tensor& speaker) const {
  const nn::Autocast autocast(options_.precision, device_);
  return model(batch.content, f0, batch.loudness, speaker).to(torch::kFloat);
}

torch::Tensor AcousticTask::reconstruction_loss(const torch::Tensor& envelope, const Batch& batch) const {
  // Far below the loudest there is only room noise, which is not to be learned.
  const torch::Tensor floor = batch.loudness.unsqueeze(-1).clamp_min(-7) - 8;
  const torch::Tensor error = torch::maximum(envelope, floor) - torch::maximum(batch.envelope, floor);
  torch::Tensor loss = (error.abs() * batch.in_band).mean();
  // Differences along time and frequency are what words are told by: an error that stays the same over both costs nothing here.
  for (const std::int64_t lag : {1, 4}) {
    const torch::Tensor change = error.slice(1, lag) - error.slice(1, 0, -lag), slope = error.slice(2, lag) - error.slice(2, 0, -lag);
    loss = loss + difference_weight * ((change.abs() * batch.in_band).mean() + (slope.abs() * batch.in_band.slice(2, lag)).mean());
  }
  return loss / batch.in_band.mean();
}

AcousticTask::Batch AcousticTask::with_upper_band(Batch batch) {
  if (teacher_.is_empty()) return batch;
  torch::NoGradGuard no_grad;
  const torch::Tensor known = predict(teacher_, batch, batch.f0, batch.speaker);
  batch.envelope = torch::where(batch.in_band > 0, batch.envelope, known);
  batch.in_band = torch::ones_like(batch.in_band);
  return batch;
}

std::map<std::string, double> AcousticTask::step(RandomSource& random, double progress) {
  model_->train();
  std::vector<Crop> crops;
  for (std::int64_t b = 0; b < phrase_batch; ++b) crops.push_back(corpus_.draw(random, phrase_frames));
  const Batch batch = make_batch(crops, random, true);
  const double rate = rate_scale(steps_++, progress);
  std::map<std::string, double> parts;

  const torch::Tensor envelope = predict(model_, batch, batch.f0, batch.speaker);
  torch::Tensor loss = reconstruction_loss(envelope, with_upper_band(batch));
  parts["loss"] = loss.item<double>();

  const auto read = [&](const torch::Tensor& input) {
    const nn::Autocast autocast(options_.precision, device_);
    return reader_(input).to(torch::kFloat);
  };
  const torch::Tensor real = discriminator_input(batch.envelope, batch.loudness, batch.in_band),
                      fake = discriminator_input(envelope, batch.loudness, batch.in_band);
  const torch::Tensor words = read(real);
  const torch::Tensor reading_loss = (words - torch::layer_norm(batch.content, {native::content_dim})).square().mean();
  reading_.step(reading_loss, std::max(rate, 0.1));
  // Against what is read from the recording, not against its content: what no envelope tells is not to be asked for.
  const auto lost_words = [&](const torch::Tensor& input) { return (read(input) - words.detach()).square().mean(); };
  torch::Tensor lost = lost_words(fake);
  parts["reader"] = reading_loss.item<double>();
  parts["adversarial"] = 0;
  parts["discriminator"] = 0;
  if (progress >= options_.adversarial_from) {
    // The content of each row with the speaker of another row.
    const std::int64_t turn = 1 + random.below(phrase_batch - 1);
    const torch::Tensor unpaired_speaker = batch.speaker.roll(turn, 0);
    const torch::Tensor transposed = batch.f0 * (batch.median_f0.roll(turn, 0) / batch.median_f0).unsqueeze(1);
    const torch::Tensor other =
        discriminator_input(predict(model_, batch, transposed, unpaired_speaker), batch.loudness, batch.in_band.roll(turn, 0));
    const auto score = [&](const torch::Tensor& input, const torch::Tensor& speaker) {
      const nn::Autocast autocast(options_.precision, device_);
      return discriminator_(input, speaker).to(torch::kFloat);
    };
    const torch::Tensor critic_loss = discriminator_loss(score(real, batch.speaker), score(fake.detach(), batch.speaker)) +
                                      0.5 * score(other.detach(), unpaired_speaker).square().mean();
    critic_.step(critic_loss, std::max(rate, 0.1));
    const torch::Tensor paired_loss = generator_loss(score(fake, batch.speaker));
    parts["adversarial"] = paired_loss.item<double>();
    parts["discriminator"] = critic_loss.item<double>();
    const double ramp = adversarial_ramp(progress, options_.adversarial_from);
    loss = loss + ramp * adversarial_weight * (paired_loss + generator_loss(score(other, unpaired_speaker)));
    lost = lost + lost_words(other);
  }
  parts["words"] = lost.item<double>();
  loss = loss + words_weight * lost;
  learner_.step(loss, rate);
  return parts;
}

double AcousticTask::held_out_loss() {
  torch::NoGradGuard no_grad;
  model_->eval();
  const AveragedWeights averaged(learner_);
  RandomSource random(1, 1);
  const auto crops = corpus_.held_out(phrase_frames, 64);
  double sum = 0;
  std::int64_t batches = 0;
  for (std::size_t i = 0; i < crops.size(); i += phrase_batch, ++batches) {
    const std::size_t end = std::min(crops.size(), i + std::size_t(phrase_batch));
    // Content of a faster voice, which is another than the speaker's, as in a conversion.
    Batch batch = make_batch({crops.begin() + std::ptrdiff_t(i), crops.begin() + std::ptrdiff_t(end)}, random, false);
    std::vector<torch::Tensor> content;
    for (std::size_t c = i; c < end; ++c) content.push_back(crops[c].speaker->content_of(1, crops[c].frame, phrase_frames));
    batch.content = torch::stack(content).to(device_);
    sum += reconstruction_loss(predict(model_, batch, batch.f0, batch.speaker), batch).item<double>();
  }
  return batches ? sum / double(batches) : 0;
}

int AcousticTask::phase(double progress) const { return adversarial_phase(progress, options_.adversarial_from); }

std::map<std::string, torch::Tensor> AcousticTask::weights() {
  const AveragedWeights averaged(learner_);
  auto tensors =
      difference_.is_empty() ? nn::named_tensors(*model_, "acoustic.") : nn::named_tensors(*difference_, native::difference_prefix);
  if (teacher_.is_empty()) {
    double top = 0;
    for (const SpeakerData& speaker : corpus_.speakers()) top = std::max(top, speaker.band_hz);
    extrapolate_upper_band(tensors.at("acoustic.output.weight"), tensors.at("acoustic.output.bias"), top);
  }
  for (auto& [name, tensor] : tensors) tensor = tensor.to(torch::kHalf);
  return tensors;
}

void AcousticTask::save(std::map<std::string, torch::Tensor>& checkpoint) const {
  learner_.save(checkpoint);
  critic_.save(checkpoint);
  reading_.save(checkpoint);
  checkpoint["acoustic:task"] = torch::tensor(steps_);
}

void AcousticTask::load(const std::map<std::string, torch::Tensor>& checkpoint) {
  learner_.load(checkpoint);
  critic_.load(checkpoint);
  reading_.load(checkpoint);
  steps_ = checkpoint.at("acoustic:task").item<std::int64_t>();
}

AudioBuffer AcousticTask::render_sample() {
  torch::NoGradGuard no_grad;
  const auto crops = corpus_.held_out(phrase_frames, 4);
  if (crops.empty()) return AudioBuffer(native::sample_rate, 1, hop);
  model_->eval();
  const AveragedWeights averaged(learner_);
  RandomSource random(1, 1);
  const Batch batch = make_batch(crops, random, false);
  const torch::Tensor envelope = predict(model_, batch, batch.f0, batch.speaker);
  const auto [pulses, phase] = native::render_pulses(batch.f0.cpu(), std::vector<double>(crops.size()));
  torch::manual_seed(1);
  const torch::Tensor noise = white_noise(pulses.size(0), pulses.size(1));
  return to_buffer(vocoder_->synthesize(vocoder_->filters(envelope, batch.f0), {pulses.to(device_), phase.to(device_), noise.to(device_)}),
                   native::sample_rate);
}

}  // namespace voxconv::train
