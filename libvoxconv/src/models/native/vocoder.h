#pragma once
#include "models/native/convnext.h"
#include "nn/torch.h"

namespace voxconv::native {

/// Second stage, for every voice: spectral envelope + f0 -> audio, by differentiable source-filter synthesis. The network corrects, per
/// frame, a pulse filter and a noise filter that both start from the envelope itself. It never sees who is singing.
class VocoderImpl : public torch::nn::Module {
 public:
  static constexpr std::int64_t channels = 256, blocks = 6, filter_points = 257;
  static constexpr std::int64_t reach = 2 + blocks * ConvNeXtImpl::reach;  ///< frames either side a frame's filters depend on
  static constexpr std::int64_t ring = 4;                                  ///< frames around a sample whose filters sound in it

  VocoderImpl();

  /// Filters of each frame. envelope [B, T, envelope_bins], f0 [B, T] Hz (0 = unvoiced).
  struct Filters {
    torch::Tensor pulse;  ///< [B, T, fft_bins] complex
    torch::Tensor noise;  ///< [B, T, fft_bins] real
  };
  Filters filters(const torch::Tensor& envelope, const torch::Tensor& f0);

  /// Excitations [B, T * hop] (power 1) through the filters -> audio [B, T * hop]; sample 0 lies at the centre of frame 0. The first and
  /// last `ring` frames lack the sound of frames beyond the ends.
  torch::Tensor synthesize(const Filters& filters, const torch::Tensor& pulses, const torch::Tensor& noise);

 private:
  torch::nn::Conv1d input_{nullptr};
  torch::nn::ModuleList blocks_{nullptr};
  torch::nn::LayerNorm output_norm_{nullptr};
  torch::nn::Linear output_{nullptr};
  torch::Tensor envelope_to_bins_, points_to_bins_, window_;  // constants, not saved
};
TORCH_MODULE(Vocoder);

}  // namespace voxconv::native
