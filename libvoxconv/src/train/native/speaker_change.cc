#include "train/native/speaker_change.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/fail.h"
#include "core/paths.h"
#include "core/random.h"
#include "models/bundle.h"
#include "models/native/config.h"
#include "models/native/native_voice.h"
#include "models/native/source.h"
#include "nn/finite.h"

namespace voxconv::train {
namespace fs = std::filesystem;
namespace {

/// Clips of one speaker have embeddings with cosines above this.
constexpr double same_speaker_cosine = 0.75;

}  // namespace

SpeakerChanger::SpeakerChanger(torch::Device device)
    : acoustic_(native::load_acoustic_model(nn::Safetensors(model_file("native/base/weights.safetensors")))),
      vocoder_(native::load_vocoder(device)),
      device_(device) {
  acoustic_->to(device);
  acoustic_->eval();
  std::vector<fs::path> folders;
  const fs::path shipped = fs::path(models_dir()) / "voices";
  std::error_code none;
  for (const auto& item : fs::directory_iterator(shipped, none))
    if (fs::exists(item.path() / "voice.json")) folders.push_back(item.path());
  std::ranges::sort(folders);
  for (const fs::path& folder : folders) {
    const Bundle bundle = read_bundle(folder.string());
    if (bundle.info.architecture != native::architecture().name || bundle.info.f0_median <= 0) continue;
    speakers_.push_back({nn::finite_weight(nn::Safetensors(bundle.weights_path), "speaker").to(device, torch::kFloat).reshape({1, -1}),
                         bundle.info.f0_median});
  }
  if (speakers_.empty()) fail(ErrorCode::not_found, "{} holds no voice; training converts the recordings to those.", shipped.string());
}

torch::Tensor SpeakerChanger::convert(const torch::Tensor& content, const torch::Tensor& f0, const torch::Tensor& loudness,
                                      const torch::Tensor& embedding, std::uint64_t key) const {
  torch::NoGradGuard no_grad;
  std::vector<const Speaker*> others;
  for (const Speaker& speaker : speakers_)
    if (speaker.embedding[0].dot(embedding.to(device_)).item<double>() < same_speaker_cosine) others.push_back(&speaker);
  const Speaker& speaker = others.empty() ? speakers_.front() : *others[key % others.size()];

  const torch::Tensor voiced = f0.masked_select(f0 > 0);
  const double shift = voiced.numel() ? std::clamp(speaker.median_f0 / voiced.median().item<double>(), 0.5, 2.0) : 1;
  const torch::Tensor pitch = (f0 * shift).unsqueeze(0);
  const auto row = [&](const torch::Tensor& x) { return x.unsqueeze(0).to(device_, torch::kFloat); };
  const torch::Tensor variation =
      torch::zeros({1, content.size(0), native::AcousticModelImpl::variation_dim}, torch::TensorOptions(device_));
  const torch::Tensor envelope = acoustic_(row(content), pitch.to(device_), row(loudness), speaker.embedding, variation);
  const auto [pulses, phase] = native::render_pulses(pitch, {0});
  torch::Tensor noise = torch::empty({1, pulses.size(1)});
  fill_uniform_noise(key, 0, std::span(noise.data_ptr<float>(), std::size_t(noise.numel())));
  noise *= std::sqrt(3.0);  // unit variance
  return vocoder_->synthesize(vocoder_->filters(envelope, pitch.to(device_)), {pulses.to(device_), phase.to(device_), noise.to(device_)})[0]
      .to(torch::kCPU);
}

}  // namespace voxconv::train
