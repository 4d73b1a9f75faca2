#pragma once
#include "models/rvc/decoder.h"
#include "nn/graph.h"

namespace voxconv::rvc {

/// A decoder whose calls are launched as one where its device can.
class GraphedDecoder final : public Decoder {
 public:
  GraphedDecoder(std::unique_ptr<const Decoder> decoder, nn::GraphedCalls calls) : decoder_(std::move(decoder)), calls_(std::move(calls)) {}

  torch::Tensor decode_part(const torch::Tensor& z, const torch::Tensor& excitation, const torch::Tensor& speaker, std::int64_t first,
                            std::int64_t last) const override {
    const auto decode = [&](const nn::GraphedCalls::Tensors& inputs) {
      return nn::GraphedCalls::Tensors{decoder_->decode_part(inputs[0], inputs[1], inputs[2], first, last)};
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
  nn::GraphedCalls calls_;
};

}  // namespace voxconv::rvc
