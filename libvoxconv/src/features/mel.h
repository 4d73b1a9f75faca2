#pragma once
#include "nn/torch.h"

namespace voxconv {

/// How a log-mel spectrogram is computed. The defaults are librosa's; each model states what its reference used.
struct MelConfig {
  enum class Scale { slaney, htk };  ///< pitch scale of the filters (librosa: htk=False / True)
  enum class Norm { slaney, none };  ///< slaney: each filter has area 2 / (f_high - f_low)
  enum class Log { none, natural, log10 };
  enum class Padding {
    reflect,  ///< n_fft / 2 mirrored samples either side: frame t is centred at t * hop; samples / hop + 1 frames
    zero,     ///< the same with zeros
    same      ///< (n_fft - hop) / 2 mirrored samples either side (vocoders of the HiFi-GAN family); samples / hop frames
  };
  int sample_rate = 22050;
  int n_fft = 2048;
  int window = 0;  ///< Hann (periodic), centred in n_fft; 0: n_fft
  int hop = 512;
  int bins = 128;
  double f_min = 0;  ///< Hz
  double f_max = 0;  ///< Hz; 0: half the sample rate
  Scale scale = Scale::slaney;
  Norm norm = Norm::slaney;
  double power = 2;          ///< exponent of the magnitude: 2 power, 1 magnitude
  double magnitude_eps = 0;  ///< magnitude is sqrt(re² + im² + eps)
  Log log = Log::none;
  double floor = 1e-10;  ///< least value before the logarithm
  Padding padding = Padding::reflect;
};

double hz_to_mel(double hz, MelConfig::Scale scale);
double mel_to_hz(double mel, MelConfig::Scale scale);

/// [bins, n_fft / 2 + 1] triangular filters, float32, computed in double like librosa.filters.mel (Slaney, Auditory Toolbox, 1998).
torch::Tensor mel_filters(const MelConfig& config);

/// A front end with its window and filters. Const; several threads may share it.
class MelSpectrogram {
 public:
  explicit MelSpectrogram(const MelConfig& config, torch::Device device = torch::kCPU);
  const MelConfig& config() const { return config_; }
  /// Audio [N] or [B, N] -> [bins, T] or [B, bins, T]. Audio too short for its mirrored padding is taken as followed by zeros.
  /// Gradients flow (where power is 1, only with a magnitude_eps).
  torch::Tensor operator()(const torch::Tensor& audio) const;

 private:
  MelConfig config_;
  torch::Tensor window_, filters_;
};

/// Whisper's front end (Radford et al., 2022): 80 slaney bins of 16 kHz audio, log10 of power.
MelConfig whisper_mel();

/// Whisper's last step: floors at the loudest value - 8, then (x + 4) / 4. `mel` is MelSpectrogram(whisper_mel()) of one window.
torch::Tensor whisper_normalise(const torch::Tensor& mel);

}  // namespace voxconv
