#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "nn/conv.h"
#include "nn/tensor_reader.h"
#include "nn/torch.h"

namespace voxconv::spleeter {

/// One of Spleeter's networks (R. Hennequin et al., "Spleeter: a fast and efficient music source separation tool with pre-trained models",
/// 2020; the U-Net of A. Jansson et al., 2017): six convolutions of stride 2 down, six transposed ones up, each of which also sees what the
/// one at its height gave on the way down. Images are [1, channels, frames, bins] in channels-last memory; both lengths of the spectrogram
/// are multiples of 64. Const and thread-safe.
class UNet {
 public:
  static constexpr std::int64_t layers = 6, multiple = 64;

  /// Takes the network's tensors from `reader`: down.0.weight ... mask.bias.
  UNet(nn::TensorReader& reader, torch::Device device, torch::ScalarType type);

  /// Magnitudes of both channels [1, 2, frames, bins] -> those of the source that the network finds, in fp32.
  torch::Tensor operator()(const torch::Tensor& magnitude) const;

  /// The layers by themselves. down(): [1, C, H, W], padded() -> [1, C', H / 2, W / 2], before normalisation.
  torch::Tensor down(std::int64_t layer, const torch::Tensor& padded) const;
  /// The output of down(layer), normalised and activated, and padded for the next one.
  torch::Tensor activate(std::int64_t layer, const torch::Tensor& raw) const;
  /// [1, C, H, W] -> `result` [1, C', 2 H, 2 W], which may be a part of the channels of a larger image.
  void up(std::int64_t layer, const torch::Tensor& x, torch::Tensor result) const;
  /// The zeros around an image that the convolutions on the way down ask for.
  static torch::Tensor padded(const torch::Tensor& x);

 private:
  struct Affine {
    torch::Tensor scale, shift;  ///< [1, C, 1, 1]
  };

  std::array<nn::PackedConv, layers> down_, up_;
  std::array<Affine, layers> down_affine_, up_affine_;  ///< after each layer; the last way down has none
  nn::PackedConv mask_;
  torch::ScalarType type_;
};

}  // namespace voxconv::spleeter
