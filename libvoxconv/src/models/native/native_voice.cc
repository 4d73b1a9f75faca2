#include "models/native/native_voice.h"

#include <cmath>

#include "core/fail.h"
#include "core/paths.h"
#include "core/random.h"
#include "core/sha256.h"
#include "features/song_plan.h"
#include "models/native/acoustic.h"
#include "models/native/config.h"
#include "models/native/difference.h"
#include "models/native/envelope.h"
#include "models/native/source.h"
#include "models/native/vocoder.h"
#include "nn/device.h"
#include "nn/finite.h"
#include "nn/module.h"

namespace voxconv::native {
namespace {

constexpr int revision = 1, difference_revision = 2;  ///< a reader that knows only the first would leave the difference out
constexpr const char* content_encoder_name = "whisper-base";
constexpr const char* vocoder_name = "native/vocoder";
constexpr const char* vocoder_weights = "native/vocoder/weights.safetensors";
constexpr const char* base_weights = "native/base/weights.safetensors";

/// Frames either side that a frame's audio depends on.
constexpr std::int64_t reach = AcousticModelImpl::reach + VocoderImpl::reach + VocoderImpl::ring;
/// Frames synthesized at a time: enough to keep the matrix products busy, little enough for the cache.
constexpr std::int64_t block_frames = 500;
const WindowSpec window_spec{.hop = block_frames, .left = reach, .right = reach};

struct Weights {
  AcousticModel acoustic{nullptr};
  Vocoder vocoder;
  torch::Tensor speaker;  ///< [1, speaker_dim]
  torch::Device device = torch::kCPU;
  torch::ScalarType precision = torch::kFloat;
};

/// Moves the envelope's peaks up by `semitones`: a shorter vocal tract. Linear interpolation over the points, constant beyond the ends.
torch::Tensor formant_matrix(double semitones) {
  const torch::Tensor centres = envelope_centres();
  const auto hz = centres.accessor<float, 1>();
  torch::Tensor matrix = torch::zeros({envelope_bins, envelope_bins});
  auto m = matrix.accessor<float, 2>();
  const double ratio = std::exp2(semitones / 12);
  for (std::int64_t to = 0; to < envelope_bins; ++to) {
    const double wanted = hz[to] / ratio;
    std::int64_t upper = 0;
    while (upper < envelope_bins && hz[upper] < wanted) ++upper;
    if (upper == 0 || upper == envelope_bins) {
      m[std::min(upper, envelope_bins - 1)][to] = 1;
      continue;
    }
    const double part = (wanted - hz[upper - 1]) / (hz[upper] - hz[upper - 1]);
    m[upper - 1][to] = float(1 - part);
    m[upper][to] = float(part);
  }
  return matrix;
}

class NativeStream : public VoiceStream {
 public:
  NativeStream(std::shared_ptr<const Weights> weights, const SynthesisOptions& options)
      : weights_(std::move(weights)), acoustic_(weights_->acoustic), vocoder_(weights_->vocoder), options_(options) {
    if (options.formant != 0) formant_ = formant_matrix(options.formant).to(weights_->device);
  }

  std::vector<float> push(const FeatureFrames& frames, bool last) override {
    torch::NoGradGuard no_grad;
    if (frames.size() > 0) append(frames);
    std::vector<float> out;
    while (true) {
      const std::vector<Window> windows = last ? windows_.rest(end_, end_) : windows_.next(end_);
      if (windows.empty()) return out;
      for (const Window& window : windows) synthesize(window, out);
    }
  }

 private:
  void append(const FeatureFrames& frames) {
    const auto join = [&](torch::Tensor& kept, const torch::Tensor& more) {
      const torch::Tensor moved = more.to(weights_->device, torch::kFloat);
      kept = kept.defined() ? torch::cat({kept, moved}) : moved;
    };
    join(content_, frames.content);
    join(f0_, frames.f0);
    join(loudness_, frames.loudness);
    end_ += frames.size();
  }

  void synthesize(const Window& window, std::vector<float>& out) {
    const auto part = [&](const torch::Tensor& x) { return x.slice(0, window.from - start_, window.to - start_).unsqueeze(0); };
    const torch::Tensor f0 = part(f0_);
    const auto filters = make_filters(part(content_), f0, part(loudness_));

    // Only `ring` frames either side sound in the window; the excitation is kept for those.
    const std::int64_t sound_from = std::max(window.from, window.begin - VocoderImpl::ring),
                       sound_to = std::min(window.to, window.end + VocoderImpl::ring);
    excite(sound_from, sound_to);
    const torch::Tensor audio = vocoder_->synthesize(filters.slice(sound_from - window.from, sound_to - window.from),
                                                     {as_tensor(pulses_), as_tensor(phase_), as_tensor(noise_)});
    const torch::Tensor wanted =
        audio[0].slice(0, (window.begin - sound_from) * hop, (window.end - sound_from) * hop).to(torch::kCPU).contiguous();
    out.insert(out.end(), wanted.data_ptr<float>(), wanted.data_ptr<float>() + wanted.numel());
    forget(std::min(windows_.needed_from(), end_));
  }

  VocoderImpl::Filters make_filters(const torch::Tensor& content, const torch::Tensor& f0, const torch::Tensor& loudness) {
    torch::Tensor envelope;
    {
      const nn::Autocast autocast(weights_->precision, weights_->device);
      envelope = acoustic_(content, f0, loudness, weights_->speaker).to(torch::kFloat);
    }
    if (formant_.defined()) envelope = torch::matmul(envelope, formant_);
    return vocoder_->filters(envelope, f0);
  }

  /// Makes the excitation hold exactly the frames from .. to.
  void excite(std::int64_t from, std::int64_t to) {
    const auto drop = std::ptrdiff_t((from - excited_from_) * hop);
    for (auto* samples : {&pulses_, &phase_, &noise_}) samples->erase(samples->begin(), samples->begin() + drop);
    const std::int64_t had = std::int64_t(pulses_.size()) / hop;
    const torch::Tensor f0 = f0_.to(torch::kCPU);
    const auto hz = f0.accessor<float, 1>();
    for (auto* samples : {&pulses_, &phase_, &noise_}) samples->resize(std::size_t((to - from) * hop));
    for (std::int64_t t = from + had; t < to; ++t) {
      const std::size_t place = std::size_t((t - from) * hop);
      const float next = t + 1 < end_ ? hz[t + 1 - start_] : hz[t - start_];
      source_.render(hz[t - start_], next, std::span(pulses_).subspan(place, hop), std::span(phase_).subspan(place, hop));
      fill_uniform_noise(options_.seed, t * hop, std::span(noise_).subspan(place, hop));
      for (int i = 0; i < hop; ++i) noise_[place + std::size_t(i)] *= 1.7320508f;  // unit variance
    }
    excited_from_ = from;
  }

  void forget(std::int64_t before) {
    const auto cut = [&](torch::Tensor& x) { x = x.slice(0, before - start_).clone(); };
    cut(content_);
    cut(f0_);
    cut(loudness_);
    start_ = before;
  }

  torch::Tensor as_tensor(std::vector<float>& samples) const {
    return torch::from_blob(samples.data(), {1, std::int64_t(samples.size())}).to(weights_->device);
  }

  std::shared_ptr<const Weights> weights_;
  AcousticModel acoustic_;  // LibTorch's forward() is not const; nothing is written in it outside of training
  Vocoder vocoder_;
  SynthesisOptions options_;
  torch::Tensor formant_;  ///< [envelope_bins, envelope_bins]; undefined: no shift
  WindowSequence windows_{window_spec};
  torch::Tensor content_, f0_, loudness_;  ///< frames start_ .. end_
  std::int64_t start_ = 0, end_ = 0;
  PulseSource source_;
  std::vector<float> pulses_, phase_, noise_;  ///< from frame excited_from_
  std::int64_t excited_from_ = 0;
};

class NativeVoice : public VoiceModel {
 public:
  explicit NativeVoice(std::shared_ptr<const Weights> weights) : weights_(std::move(weights)) {}
  int sample_rate() const override { return native::sample_rate; }
  std::string content_encoder() const override { return content_encoder_name; }
  torch::Tensor speaker_embedding() const override { return weights_->speaker[0].to(torch::kCPU, torch::kFloat); }
  VoiceWindows windows(const SynthesisOptions&) const override { return {window_spec}; }
  std::unique_ptr<VoiceStream> start(const SynthesisOptions& options) const override {
    return std::make_unique<NativeStream>(weights_, options);
  }

 private:
  std::shared_ptr<const Weights> weights_;
};

void prepare_for_inference(torch::nn::Module& module, torch::Device device) {
  module.eval();
  module.to(device);
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(false);
}

/// What a voice says of the line it belongs to has to be what it is sung with here.
void check_settings(const Bundle& bundle) {
  const auto expect = [&](const char* what, const nlohmann::json& found, const nlohmann::json& expected) {
    if (found != expected)
      fail(ErrorCode::bad_model, "{} asks for the {} {}; native voices have {} in this voxconv.", bundle.info.path, what, found.dump(),
           expected.dump());
  };
  expect("sample rate", bundle.info.sample_rate, sample_rate);
  for (const auto& [key, expected] : {std::pair{"content_encoder", content_encoder_name}, {"vocoder", vocoder_name}})
    if (const auto found = bundle.model.find(key); found != bundle.model.end()) expect(key, *found, expected);
}

ModelInfo describe(const VoiceInfo& voice, const nlohmann::json& settings) {
  ModelInfo info;
  info.sample_rate = voice.sample_rate;
  info.speakers = 1;
  info.f0 = true;
  for (const auto& [key, field] : {std::pair{"content_encoder", &ModelInfo::content_encoder}, {"vocoder", &ModelInfo::vocoder}})
    if (settings.contains(key) && settings.at(key).is_string()) settings.at(key).get_to(info.*field);
  return info;
}

}  // namespace

Architecture architecture() {
  static constexpr KnownTensor known_tensors[] = {{"acoustic.output.weight", "native, acoustic model (name the voice's folder)"},
                                                  {"difference.output/bias", "native, compact voice (name its folder)"}};
  return {"native", load_native_voice, describe, nullptr, known_tensors};
}

nlohmann::json bundle_settings(Acoustic acoustic) {
  nlohmann::json settings = {{"revision", acoustic == Acoustic::difference ? difference_revision : revision},
                             {"content_encoder", content_encoder_name},
                             {"vocoder", vocoder_name}};
  if (acoustic != Acoustic::own) settings["base_sha256"] = sha256_file(model_file(base_weights));
  return settings;
}

std::string acoustic_weights(const Bundle& bundle) {
  const auto base = bundle.model.find("base_sha256");
  if (base == bundle.model.end()) return bundle.weights_path;
  if (!base->is_string())
    fail(ErrorCode::bad_model, "{} has the base_sha256 {}; expected the sha256 of a base model.", bundle.info.path, base->dump());
  const std::string path = model_file(base_weights);
  // An embedding means the same to every base; a difference is one to the weights that it was trained from.
  if (const auto found = bundle.model.find("revision"); found == bundle.model.end() || *found != difference_revision) return path;
  if (const std::string found = sha256_file(path); *base != found)
    fail(ErrorCode::bad_model,
         "{} is a difference to a base model with the sha256 {}; this voxconv has {}. Make the voice again from its recordings (voxconv "
         "train), or use the voxconv that made it.",
         bundle.info.path, base->dump(), found);
  return path;
}

AcousticModel load_acoustic_model(const Bundle& bundle) {
  const auto found = bundle.model.find("revision");
  if (found == bundle.model.end() || (*found != revision && *found != difference_revision))
    fail(ErrorCode::bad_model, "{} has revision {} of the native architecture; this voxconv reads the revisions {} and {}.",
         bundle.info.path, found == bundle.model.end() ? "none" : found->dump(), revision, difference_revision);
  const std::string path = acoustic_weights(bundle);
  const nn::Safetensors own(bundle.weights_path);
  if (*found == revision && path != bundle.weights_path)
    for (const std::string& name : own.names())
      if (name != "speaker")
        fail(ErrorCode::bad_model, "{} has the tensor {} beside a base_sha256; a voice that uses the base has its speaker embedding alone.",
             bundle.info.path, name);
  AcousticModel model = load_acoustic_model(nn::Safetensors(path));
  if (*found == difference_revision) add_difference(*model, own);
  return model;
}

Vocoder load_vocoder(torch::Device device) {
  Vocoder vocoder;
  nn::load_parameters(*vocoder, nn::Safetensors(model_file(vocoder_weights)));
  prepare_for_inference(*vocoder, device);
  return vocoder;
}

std::shared_ptr<const VoiceModel> load_native_voice(const Bundle& bundle, torch::Device device, torch::ScalarType precision) {
  check_settings(bundle);
  auto weights = std::make_shared<Weights>();
  weights->device = device;
  weights->precision = precision;
  const nn::Safetensors file(bundle.weights_path);
  weights->acoustic = load_acoustic_model(bundle);
  weights->vocoder = load_vocoder(device);
  weights->speaker = nn::finite_weight(file, "speaker").to(device, torch::kFloat).reshape({1, -1});
  if (weights->speaker.size(1) != speaker_dim)
    fail(ErrorCode::bad_model, "{}: the speaker embedding has {} numbers, expected {}.", bundle.weights_path, weights->speaker.size(1),
         speaker_dim);
  if (const double length = weights->speaker.norm().item<double>(); std::abs(length - 1) > 0.01)
    fail(ErrorCode::bad_model, "{}: the speaker embedding has the length {:.3g}, expected a unit vector.", bundle.weights_path, length);
  prepare_for_inference(*weights->acoustic, device);
  return std::make_shared<NativeVoice>(std::move(weights));
}

}  // namespace voxconv::native
