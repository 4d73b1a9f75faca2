#include "models/rvc/synthesizer.h"

#include <cmath>

#include "core/fail.h"
#include "models/rvc/flow.h"
#include "models/rvc/text_encoder.h"
#include "nn/device.h"
#include "nn/graph.h"

namespace voxconv::rvc {
namespace {

/// What is called a model's file in errors, where only its tensors are known.
constexpr const char* source = "The RVC model";

/// A decoder whose calls are launched as one where its device can.
class GraphedDecoder final : public Decoder {
 public:
  GraphedDecoder(std::unique_ptr<const Decoder> decoder, nn::CudaGraphCache calls)
      : decoder_(std::move(decoder)), calls_(std::move(calls)) {}

  torch::Tensor decode_part(const torch::Tensor& z, const torch::Tensor& excitation, const torch::Tensor& speaker, std::int64_t first,
                            std::int64_t last) const override {
    const auto decode = [&](const nn::CudaGraphCache::Tensors& inputs) {
      return nn::CudaGraphCache::Tensors{decoder_->decode_part(inputs[0], inputs[1], inputs[2], first, last)};
    };
    return calls_({z, excitation, speaker}, {first, last}, decode)[0];
  }
  std::int64_t context_frames() const override { return decoder_->context_frames(); }
  std::int64_t partials() const override { return decoder_->partials(); }
  torch::Tensor excite(const torch::Tensor& f0, const torch::Tensor& noise, Phase& phase) const override {
    return decoder_->excite(f0, noise, phase);
  }

 private:
  std::unique_ptr<const Decoder> decoder_;
  nn::CudaGraphCache calls_;
};

class RvcSynthesizer final : public Synthesizer {
 public:
  RvcSynthesizer(const Config& config, const torch::Tensor& speakers, const TextEncoderWeights& encoder, const FlowWeights& flow,
                 std::unique_ptr<const Decoder> decoder, torch::Device device)
      : config_(config),
        device_(device),
        speakers_(speakers.to(device, torch::kFloat)),
        encoder_(config, encoder, device),
        flow_(config, flow, device),
        decoder_(std::move(decoder), nn::CudaGraphCache(device)),
        encoder_calls_(device),
        flow_calls_(device) {}

  const Config& config() const override { return config_; }
  torch::Device device() const override { return device_; }

  torch::Tensor speaker(std::int64_t id) const override {
    if (id < 0 || id >= config_.speakers)
      fail(ErrorCode::usage, "There is no speaker {}: this voice has {}, numbered from 0.", id, config_.speakers);
    return speakers_[id];
  }

  Prior encode(const torch::Tensor& content, const torch::Tensor& f0) const override {
    if (content.dim() != 2 || content.size(1) != config_.content_dim)
      fail(
          ErrorCode::bad_model,
          "The content encoder {} gives {} numbers a frame where this voice takes {}; install the weights that the voice was trained with.",
          config_.content_encoder, content.size(-1), config_.content_dim);
    // The pitch is rounded where it comes from: the same on all devices.
    const torch::Tensor pitch = config_.f0 ? nn::send(coarse_f0(f0.to(torch::kFloat)), device_) : torch::Tensor();
    const auto encode = [this](const Tensors& inputs) {
      const Prior prior = encoder_(inputs[0], inputs[1]);
      return Tensors{prior.mean, prior.log_deviation};
    };
    const Tensors prior = encoder_calls_({nn::send(content.to(torch::kFloat), device_), pitch}, {}, encode);
    return {prior[0], prior[1]};
  }

  torch::Tensor flow(const torch::Tensor& drawn, const torch::Tensor& speaker) const override {
    return flow_calls_({drawn, speaker}, {}, [this](const Tensors& inputs) { return Tensors{flow_(inputs[0], inputs[1])}; })[0];
  }
  std::int64_t flow_context_frames() const override { return Flow::context_frames; }
  const Decoder& decoder() const override { return decoder_; }

 private:
  using Tensors = nn::CudaGraphCache::Tensors;

  Config config_;
  torch::Device device_;
  torch::Tensor speakers_;
  TextEncoder encoder_;
  Flow flow_;
  GraphedDecoder decoder_;
  nn::CudaGraphCache encoder_calls_, flow_calls_;
};

}  // namespace

torch::Tensor coarse_f0(const torch::Tensor& f0) {
  const auto mel = [](double hz) { return 1127 * std::log(1 + hz / 700); };
  const double low = mel(50), high = mel(1100);
  const torch::Tensor mels = torch::log1p(f0.to(torch::kDouble) / 700) * 1127;
  return ((mels - low) * (254 / (high - low)) + 1).clamp_(1, 255).round_().to(torch::kLong);
}

std::shared_ptr<const Synthesizer> make_synthesizer(const Config& config, const nn::StateDict& weights, torch::Device device,
                                                    torch::ScalarType precision) {
  const torch::NoGradGuard guard;
  nn::TensorReader reader(weights, source);
  reader.ignore("dec.");
  const torch::Tensor speakers = reader.take("emb_g.weight", {config.speakers, config.speaker_dim});
  const TextEncoderWeights encoder = read_text_encoder(config, reader);
  const FlowWeights flow = read_flow(config, reader);
  reader.finish();
  return std::make_shared<RvcSynthesizer>(config, speakers, encoder, flow, make_decoder(config, weights, device, precision), device);
}

}  // namespace voxconv::rvc
