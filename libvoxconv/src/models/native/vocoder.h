#pragma once
#include "models/native/convnext.h"
#include "nn/torch.h"

namespace voxconv::native {

/// Second stage, for every voice: spectral envelope + f0 -> audio, by differentiable source-filter synthesis. The network corrects, per
/// frame, a pulse filter and a noise filter that both start from the envelope itself, and the noise's gain at a finer time scale: over the
/// pitch period, since breath is louder while the glottis is open (Skoglund & Kleijn 2000), and within the frame, for the onsets of
/// consonants. It has no speaker input.
class VocoderImpl : public torch::nn::Module {
 public:
  static constexpr std::int64_t channels = 256, blocks = 6, filter_points = 257;
  static constexpr std::int64_t reach = 2 + blocks * ConvNeXtImpl::reach;  ///< frames either side a frame's filters depend on
  static constexpr std::int64_t ring = 5;                                  ///< frames around a sample whose filters sound in it
  static constexpr std::int64_t period_harmonics = 4;                      ///< of the noise's gain over the pitch period
  static constexpr std::int64_t gain_points = 4;                           ///< of the noise's gain within a frame

  VocoderImpl();

  /// Filters of each frame. envelope [B, T, envelope_bins], f0 [B, T] Hz (0 = unvoiced).
  struct Filters {
    torch::Tensor pulse;  ///< [B, T, fft_bins] complex
    torch::Tensor noise;  ///< [B, T, fft_bins] real
    /// [B, T, 2 * period_harmonics + gain_points] log gain of the noise: its Fourier coefficients over the pitch period (all cosines, then
    /// all sines), and its values at evenly spaced points from the frame's centre to the next one's
    torch::Tensor noise_gain;

    /// Frames from .. to.
    Filters slice(std::int64_t from, std::int64_t to) const {
      return {pulse.slice(1, from, to), noise.slice(1, from, to), noise_gain.slice(1, from, to)};
    }
  };
  Filters filters(const torch::Tensor& envelope, const torch::Tensor& f0);

  /// Excitations of T frames, each [B, T * hop].
  struct Excitation {
    torch::Tensor pulses, phase;  ///< as PulseSource renders them
    torch::Tensor noise;          ///< white, of variance 1
  };
  /// Excitations through the filters -> audio [B, T * hop]; sample 0 lies at the centre of frame 0. The first and last `ring` frames lack
  /// the sound of frames beyond the ends.
  torch::Tensor synthesize(const Filters& filters, const Excitation& excitation);

 private:
  torch::nn::Conv1d input_{nullptr};
  torch::nn::ModuleList blocks_{nullptr};
  torch::nn::LayerNorm output_norm_{nullptr};
  torch::nn::Linear output_{nullptr}, noise_gain_{nullptr};
  torch::Tensor envelope_to_bins_, points_to_bins_, gain_to_samples_, window_;  // constants, not saved
};
TORCH_MODULE(Vocoder);

}  // namespace voxconv::native
