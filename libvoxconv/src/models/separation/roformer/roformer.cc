#include "models/separation/roformer/roformer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "core/fail.h"
#include "models/separation/overlap_add.h"
#include "nn/device.h"

namespace voxconv::roformer {
namespace {

Network read_network(const SeparatorFile& file, const Settings& settings, Arithmetic arithmetic) {
  nn::TensorReader reader(file.tensors, file.path());
  Network network(reader, settings.network, settings.segment / settings.spectrum.hop + 1, arithmetic);
  reader.finish();
  return network;
}

/// The separator of one checkpoint; songs go through it in segments that overlap.
class Roformer : public SeparationModel, public std::enable_shared_from_this<Roformer> {
 public:
  Roformer(const SeparatorFile& file, Settings settings, torch::Device device, torch::ScalarType precision)
      : settings_(std::move(settings)), separator_(file, settings_, device, precision), stems_(settings_.stems) {
    std::erase(stems_, music_stem);  // which is what remains
    if (std::count(stems_.begin(), stems_.end(), vocals_stem) > 0) return;
    const std::vector<std::string>& found = settings_.stems;
    vocals_remain_ = found.size() == 1 && (found[0] == music_stem || found[0] == "other" || found[0] == "instrumental");
    if (!vocals_remain_)
      fail(ErrorCode::bad_model, "{} finds {}; voxconv needs a separator that finds the vocals, or all that is not vocals.", file.path(),
           fmt::join(found, ", "));
    stems_ = {vocals_stem};
  }

  int sample_rate() const override { return settings_.sample_rate; }
  const std::vector<std::string>& stems() const override { return stems_; }
  double context_s() const override { return overlap(1).context_s(); }
  bool vocals_are_lead() const override { return settings_.vocals_are_lead; }
  std::unique_ptr<SeparationStream> start(const std::vector<std::string>& wanted) const override;

 private:
  /// [1, 2, segment] -> [1, stems, 2, segment]; `stems` are places in settings_.stems.
  torch::Tensor separate(const torch::Tensor& segment, const std::vector<std::int64_t>& stems) const {
    const torch::Tensor found = separator_(segment[0], stems).unsqueeze(0);
    return vocals_remain_ ? segment.unsqueeze(1) - found : found;
  }

  OverlapSpec overlap(std::size_t stems) const {
    // As ZFTurbo's demix() has it: a tenth of a segment fades at either end.
    return {.rate = settings_.sample_rate,
            .segment = settings_.segment,
            .hop = settings_.hop,
            .weight = linear_fades(settings_.segment, settings_.segment / 10),
            .ends = SongEnds::reflect,
            .stems = std::int64_t(stems)};
  }

  Settings settings_;
  SegmentSeparator separator_;
  std::vector<std::string> stems_;  ///< that are offered
  bool vocals_remain_ = false;      ///< the network finds the music, and the vocals are the song without it
};

std::unique_ptr<SeparationStream> Roformer::start(const std::vector<std::string>& wanted) const {
  std::vector<std::int64_t> places;
  for (const std::string& stem : wanted)
    places.push_back(vocals_remain_ ? 0 : std::find(settings_.stems.begin(), settings_.stems.end(), stem) - settings_.stems.begin());
  return std::make_unique<OverlapAdd>(overlap(places.size()), [model = shared_from_this(), places](const torch::Tensor& segment) {
    return model->separate(segment, places);
  });
}

}  // namespace

SegmentSeparator::SegmentSeparator(const SeparatorFile& file, const Settings& settings, torch::Device device, torch::ScalarType precision)
    : config_(settings.spectrum),
      device_(device),
      window_(torch::hann_window(config_.window, torch::TensorOptions().dtype(torch::kFloat).device(device))),
      network_(read_network(file, settings, {device, precision})) {}

torch::Tensor SegmentSeparator::spectrum(const torch::Tensor& samples) const {
  const torch::Tensor bins = torch::stft(nn::send(samples, device_), config_.n_fft, config_.hop, config_.window, window_, /*center=*/true,
                                         "reflect", config_.normalized, /*onesided=*/true, /*return_complex=*/true);
  return torch::view_as_real(bins).permute({2, 1, 0, 3}).contiguous();  // from [2, bins, frames, 2]
}

torch::Tensor SegmentSeparator::operator()(const torch::Tensor& samples, const std::vector<std::int64_t>& stems) const {
  const torch::NoGradGuard guard;
  const torch::Tensor mixture = spectrum(samples), masks = torch::view_as_complex(network_(mixture, stems));
  torch::Tensor bins = (masks * torch::view_as_complex(mixture)).permute({0, 3, 2, 1}).flatten(0, 1);  // [stems * 2, bins, frames]
  if (config_.zero_dc) bins.select(1, 0).zero_();
  const torch::Tensor result = torch::istft(bins, config_.n_fft, config_.hop, config_.window, window_, /*center=*/true, config_.normalized,
                                            /*onesided=*/true, samples.size(1));
  return result.view({-1, samples.size(0), samples.size(1)}).to(torch::kCPU);
}

SeparatorArchitecture architecture() {
  return {
      .name = "roformer",
      .title = "MelBand-RoFormer and BS-RoFormer",
      .recognise = [](const SeparatorFile& file) { return is_roformer(file.tensors); },
      .load = [](const SeparatorFile& file, torch::Device device, torch::ScalarType precision) -> std::shared_ptr<const SeparationModel> {
        return std::make_shared<const Roformer>(file, read_settings(file), device, precision);
      }};
}

}  // namespace voxconv::roformer
