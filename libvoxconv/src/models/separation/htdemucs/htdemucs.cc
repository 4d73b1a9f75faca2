#include "models/separation/htdemucs/htdemucs.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "models/separation/overlap_add.h"
#include "nn/device.h"

namespace voxconv::htdemucs {
namespace {

constexpr double level_epsilon = 1e-5;
constexpr double window_power = 1.5;      // sum of the squared Hann windows that lie over a sample
constexpr double song_gain = 10;          // Demucs divides a song by its deviation, which in music is about this one's inverse
constexpr double segment_overlap = 0.25;  // Demucs' default

/// Mean and standard deviation over all numbers.
std::pair<torch::Tensor, torch::Tensor> level_of(const torch::Tensor& x) {
  const auto [deviation, mean] = torch::std_mean(x.flatten(), 0);
  return {mean, deviation};
}

}  // namespace

Network::Network(const nn::StateDict& tensors, const std::string& file, Config config, torch::Device device, torch::ScalarType type)
    : config_(std::move(config)),
      arithmetic_{device, type},
      window_(torch::hann_window(config_.fft, torch::TensorOptions().dtype(torch::kFloat).device(device))) {
  const torch::NoGradGuard guard;
  nn::TensorReader reader(tensors, file);
  const std::int64_t outputs = std::ssize(config_.sources) * audio_channels;
  lengths_.push_back(config_.segment);
  for (std::int64_t level = 0; level < config_.depth; ++level) {
    const std::int64_t below = config_.channels[std::size_t(level)], above = level > 0 ? config_.channels[std::size_t(level - 1)] : 0;
    const std::string down = std::to_string(level), up = std::to_string(config_.depth - 1 - level);
    const bool last = level == 0;
    encoders_.emplace_back(reader, "encoder." + down, Branch::spectrogram, last ? 2 * audio_channels : above, below, config_, arithmetic_);
    sound_encoders_.emplace_back(reader, "tencoder." + down, Branch::sound, last ? audio_channels : above, below, config_, arithmetic_);
    decoders_.emplace_back(reader, "decoder." + up, Branch::spectrogram, below, last ? 2 * outputs : above, last, config_, arithmetic_);
    sound_decoders_.emplace_back(reader, "tdecoder." + up, Branch::sound, below, last ? outputs : above, last, config_, arithmetic_);
    lengths_.push_back((lengths_.back() + stride - 1) / stride);
  }
  if (config_.frequency_weight > 0)
    frequencies_ =
        (reader.take("freq_emb.embedding.weight", {config_.rows(1), config_.channels[0]}).to(torch::kFloat) * config_.frequency_weight)
            .unsqueeze(1)
            .to(device, type);
  if (config_.transformer.layers > 0) transformer_.emplace_back(reader, config_, lengths_.back(), arithmetic_);
  reader.finish();
}

torch::Tensor Network::spectrogram(const torch::Tensor& samples) const {
  const std::int64_t pad = config_.hop() / 2 * 3, missing = config_.frames() * config_.hop() - samples.size(1);
  const torch::Tensor padded = torch::reflection_pad1d(samples, {pad, pad + missing});
  const torch::Tensor spectrum = torch::fft::rfft(padded.unfold(1, config_.fft, config_.hop()) * window_) / std::sqrt(double(config_.fft));
  return torch::view_as_real(spectrum.narrow(2, 0, config_.fft / 2)).permute({2, 1, 0, 3}).flatten(2);
}

torch::Tensor Network::sound(const torch::Tensor& spectrogram) const {
  const std::int64_t frames = config_.frames(), hop = config_.hop(), rows = config_.fft / 2;
  torch::Tensor spectrum = torch::zeros({audio_channels, frames, rows + 1, 2}, spectrogram.options());
  spectrum.narrow(2, 0, rows).copy_(spectrogram.unflatten(2, {audio_channels, 2}).permute({2, 1, 0, 3}));
  const torch::Tensor pieces =
      torch::fft::irfft(torch::view_as_complex(spectrum)).mul_(window_).mul_(std::sqrt(double(config_.fft)) / window_power);
  torch::Tensor sum = torch::zeros({audio_channels, (frames - 1) * hop + config_.fft}, spectrogram.options());
  for (std::int64_t first = 0; first < stride && first < frames; ++first) {  // every fourth frame begins where the one four before it ends
    const torch::Tensor every = pieces.slice(1, first, frames, stride).flatten(1);
    sum.narrow(1, first * hop, every.size(1)).add_(every);
  }
  return sum.narrow(1, hop / 2 * 3, config_.segment);
}

Branches Network::encode(std::int64_t level, const Branches& x) const {
  const auto at = std::size_t(level);
  Branches y{encoders_[at](x.spectrogram), sound_encoders_[at](x.sound)};
  if (level == 0 && frequencies_.defined()) y.spectrogram.add_(frequencies_);
  return y;
}

Branches Network::cross(const Branches& x) const { return transformer_.empty() ? x : transformer_.front()(x); }

Branches Network::decode(std::int64_t level, const Branches& x, const Branches& skip) const {
  const auto at = std::size_t(level);
  return {decoders_[at](x.spectrogram, skip.spectrogram, 0), sound_decoders_[at](x.sound, skip.sound, lengths_[at])};
}

torch::Tensor Network::operator()(const torch::Tensor& samples, const std::vector<std::int64_t>& wanted) const {
  const torch::NoGradGuard guard;
  const torch::Tensor song = nn::send(samples, arithmetic_.device), spectrum = spectrogram(song);
  const auto [mean, deviation] = level_of(spectrum);
  const auto [sound_mean, sound_deviation] = level_of(song);
  Branches x{((spectrum - mean) / (deviation + level_epsilon)).to(arithmetic_.type),
             ((song - sound_mean) / (sound_deviation + level_epsilon)).t().unsqueeze(0).to(arithmetic_.type).contiguous()};
  std::vector<Branches> skips;
  for (std::int64_t level = 0; level < config_.depth; ++level) skips.push_back(x = encode(level, x));
  x = cross(x);
  for (std::int64_t level = config_.depth - 1; level >= 0; --level) {
    x = decode(level, x, skips.back());
    skips.pop_back();
  }
  std::vector<torch::Tensor> sources;
  for (const std::int64_t source : wanted) {
    const torch::Tensor spectrum_of_it = x.spectrogram.narrow(2, source * 2 * audio_channels, 2 * audio_channels) * deviation + mean,
                        sound_of_it = x.sound[0].narrow(1, source * audio_channels, audio_channels).t() * sound_deviation + sound_mean;
    sources.push_back(sound(spectrum_of_it) + sound_of_it);
  }
  return torch::stack(sources).to(torch::kCPU);
}

namespace {

OverlapSpec overlap_of(const Config& config, std::int64_t stems) {
  OverlapSpec spec{.rate = config.rate,
                   .segment = config.segment,
                   .hop = std::int64_t((1 - segment_overlap) * double(config.segment)),
                   .ends = SongEnds::centre,
                   .stems = stems};
  const std::int64_t half = config.segment / 2, top = config.segment - half;
  for (std::int64_t i = 0; i < config.segment; ++i) spec.weight.push_back(float(i < half ? i + 1 : config.segment - i) / float(top));
  return spec;
}

class HTDemucs : public SeparationModel, public std::enable_shared_from_this<HTDemucs> {
 public:
  explicit HTDemucs(Network network) : network_(std::move(network)) {}

  int sample_rate() const override { return network_.config().rate; }
  const std::vector<std::string>& stems() const override { return network_.config().sources; }
  double context_s() const override { return overlap_of(network_.config(), 1).context_s(); }
  std::unique_ptr<SeparationStream> start(const std::vector<std::string>& wanted) const override {
    std::vector<std::int64_t> numbers;
    for (const std::string& stem : wanted) numbers.push_back(std::ranges::find(stems(), stem) - stems().begin());
    const auto compute = [self = shared_from_this(), numbers](const torch::Tensor& segments) {
      std::vector<torch::Tensor> results;
      for (const torch::Tensor& segment : segments.unbind())
        results.push_back(self->network_(segment * song_gain, numbers).div_(song_gain));
      return torch::stack(results);
    };
    return std::make_unique<OverlapAdd>(overlap_of(network_.config(), std::ssize(wanted)), compute);
  }

 private:
  Network network_;
};

bool is_htdemucs(const SeparatorFile& file) {
  return !package_class(file.checkpoint).empty() ||
         (file.tensors.contains("tencoder.0.conv.weight") && file.tensors.contains("crosstransformer.norm_in.weight"));
}

std::shared_ptr<const SeparationModel> load_htdemucs(const SeparatorFile& file, torch::Device device, torch::ScalarType precision) {
  if (const std::string type = package_class(file.checkpoint); !type.empty() && type != "HTDemucs")
    fail(ErrorCode::bad_model, "{} is a model of Demucs of the class {}; voxconv reads HTDemucs (htdemucs, htdemucs_ft, htdemucs_6s).",
         file.path(), type);
  if (const nn::PickleValue* state = file.checkpoint.root().find("state"); state && state->find("__quantized"))
    fail(ErrorCode::bad_model, "{} is quantized (DiffQ), which voxconv does not read; take the model that is not.", file.path());
  return std::make_shared<const HTDemucs>(Network(file.tensors, file.path(), read_config(file), device, precision));
}

}  // namespace

SeparatorArchitecture architecture() { return {"htdemucs", "HTDemucs", is_htdemucs, load_htdemucs}; }

}  // namespace voxconv::htdemucs
