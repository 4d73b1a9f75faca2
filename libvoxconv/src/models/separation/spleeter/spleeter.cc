#include "models/separation/spleeter/spleeter.h"

#include <algorithm>

#include "core/fail.h"
#include "core/paths.h"
#include "models/separation/spleeter/unet.h"
#include "nn/device.h"
#include "nn/safetensors.h"

namespace voxconv::spleeter {
namespace {

constexpr int rate = 44100;
constexpr std::int64_t frame = 4096, hop = 1024, bins = 1024, segment_frames = 512;
constexpr std::int64_t segment_hops = segment_frames * hop;         // samples from one segment to the next
constexpr std::int64_t segment_reach = segment_hops - hop + frame;  // samples that the frames of a segment see
constexpr double epsilon = 1e-10;
constexpr double overlap_power = 1.5;  // sum of the squared Hann windows that lie over a sample

UNet read_network(const nn::Safetensors& file, const nn::StateDict& tensors, const std::string& prefix, torch::Device device,
                  torch::ScalarType precision) {
  nn::TensorReader reader(tensors, file.path(), prefix);
  UNet network(reader, device, precision);
  reader.finish();
  return network;
}

/// The networks, and what they say about one segment.
class Spleeter : public SeparationModel, public std::enable_shared_from_this<Spleeter> {
 public:
  Spleeter(const nn::Safetensors& file, const nn::StateDict& tensors, torch::Device device, torch::ScalarType precision)
      : device_(device),
        window_(torch::hann_window(frame, torch::TensorOptions().dtype(torch::kFloat).device(device))),
        vocals_(read_network(file, tensors, "vocals.", device, precision)),
        music_(read_network(file, tensors, "music.", device, precision)) {}

  int sample_rate() const override { return rate; }
  const std::vector<std::string>& stems() const override {
    static const std::vector<std::string> names{"vocals"};
    return names;
  }
  double context_s() const override { return double(segment_reach) / rate; }
  std::unique_ptr<SeparationStream> start(const std::vector<std::string>& wanted) const override;

  /// Samples [2, segment_reach] -> the vocals' part of the overlapping frames, summed: as many.
  torch::Tensor vocals(const torch::Tensor& samples) const {
    const torch::NoGradGuard guard;
    torch::Tensor spectrum = torch::fft::rfft(nn::send(samples, device_).unfold(1, frame, hop) * window_);  // [2, frames, 2049]
    const torch::Tensor magnitude = spectrum.narrow(2, 0, bins).abs().unsqueeze(0).contiguous(torch::MemoryFormat::ChannelsLast);
    const torch::Tensor voice = vocals_(magnitude).square_(), both = music_(magnitude).square_().add_(voice).add_(epsilon);
    const torch::Tensor mask = voice.add_(epsilon / 2).div_(both).squeeze(0);
    spectrum.narrow(2, 0, bins).mul_(mask);
    // Above the networks' band each frame keeps the mean of its mask.
    spectrum.narrow(2, bins, frame / 2 + 1 - bins).mul_(mask.mean(2, /*keepdim=*/true));
    const torch::Tensor pieces = torch::fft::irfft(spectrum).mul_(window_).div_(overlap_power).to(torch::kCPU);  // [2, frames, frame]
    torch::Tensor sum = torch::zeros({2, segment_reach});
    // Every fourth frame begins where the one four before it ends.
    for (std::int64_t first = 0; first < frame / hop; ++first) {
      const torch::Tensor every = pieces.slice(1, first, segment_frames, frame / hop).flatten(1);
      sum.narrow(1, first * hop, every.size(1)).add_(every);
    }
    return sum;
  }

 private:
  torch::Device device_;
  torch::Tensor window_;
  UNet vocals_, music_;
};

class SpleeterStream : public SeparationStream {
 public:
  explicit SpleeterStream(std::shared_ptr<const Spleeter> model) : model_(std::move(model)) { begin(); }

  std::vector<AudioBuffer> push(const AudioBuffer& stereo) override {
    if (stereo.rate != rate || stereo.channel_count() != 2)
      fail(ErrorCode::usage, "Spleeter separates 2 channels at {} Hz and got {} at {} Hz.", rate, stereo.channel_count(), stereo.rate);
    for (std::size_t c = 0; c < 2; ++c) waiting_[c].insert(waiting_[c].end(), stereo.channels[c].begin(), stereo.channels[c].end());
    samples_in_ += std::int64_t(stereo.frames());
    AudioBuffer out(rate, 2);
    while (std::ssize(waiting_[0]) >= segment_reach) separate_segment(out);
    return {out};
  }

  std::vector<AudioBuffer> finish() override {
    AudioBuffer out(rate, 2);
    while (samples_out_ < samples_in_) {
      for (auto& channel : waiting_) channel.resize(std::max<std::size_t>(channel.size(), segment_reach));
      separate_segment(out);
    }
    begin();
    return {out};
  }

 private:
  /// The original's first frame lies wholly before the song.
  void begin() {
    waiting_.assign(2, std::vector<float>(frame));
    overlap_ = torch::zeros({2, segment_reach - segment_hops});
    samples_in_ = 0;
    samples_out_ = -frame;
  }

  void separate_segment(AudioBuffer& out) {
    const torch::Tensor samples = torch::empty({2, segment_reach});
    for (std::int64_t c = 0; c < 2; ++c) {
      std::vector<float>& channel = waiting_[std::size_t(c)];
      std::copy_n(channel.begin(), segment_reach, samples.data_ptr<float>() + c * segment_reach);
      channel.erase(channel.begin(), channel.begin() + segment_hops);
    }
    const torch::Tensor sum = model_->vocals(samples);
    sum.narrow(1, 0, overlap_.size(1)).add_(overlap_);
    overlap_ = sum.narrow(1, segment_hops, overlap_.size(1)).clone();
    const std::int64_t skipped = std::max<std::int64_t>(0, -samples_out_), end = std::min(segment_hops, samples_in_ - samples_out_);
    for (std::int64_t c = 0; c < 2; ++c) {
      const float* values = sum.const_data_ptr<float>() + c * segment_reach;
      std::vector<float>& channel = out.channels[std::size_t(c)];
      channel.insert(channel.end(), values + skipped, values + std::max(skipped, end));
    }
    samples_out_ += segment_hops;
  }

  std::shared_ptr<const Spleeter> model_;
  std::vector<std::vector<float>> waiting_;  ///< per channel, from the begin of the next segment on
  torch::Tensor overlap_;                    ///< what the last segment adds to the next one
  std::int64_t samples_in_ = 0, samples_out_ = 0;
};

std::unique_ptr<SeparationStream> Spleeter::start(const std::vector<std::string>&) const {
  return std::make_unique<SpleeterStream>(shared_from_this());
}

}  // namespace

std::shared_ptr<const SeparationModel> load_spleeter(torch::Device device, torch::ScalarType precision) {
  const nn::Safetensors file(model_file("separation/spleeter/weights.safetensors"));
  return std::make_shared<const Spleeter>(file, file.tensors(), device, precision);
}

}  // namespace voxconv::spleeter
