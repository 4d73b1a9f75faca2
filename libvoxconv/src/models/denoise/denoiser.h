#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "models/denoise/deepfilternet.h"
#include "nn/torch.h"

namespace voxconv {

/// A network that leaves of a recording the voice: DeepFilterNet3, from the weights that ship (models/denoise/deepfilternet3), around the
/// spectrum as its authors take it: frames of 960 samples (Vorbis' window), hop 480, at 48 kHz. Const and thread-safe.
class Denoiser {
 public:
  static constexpr int sample_rate = 48000;

  /// Throws Error(not_found | bad_model) where the weights are missing or damaged.
  explicit Denoiser(torch::Device device);
  const deepfilternet::Network& network() const { return network_; }

 private:
  deepfilternet::Network network_;
};

/// One pass over one channel. What comes out does not depend on how the recording is cut into pushes: the network works on blocks of a
/// second at fixed places, and its state goes on from one to the next. One instance per thread.
class DenoiseStream {
 public:
  /// Nothing is lowered by more than `limit_db`, >= 0: as much of the recording is left in the result.
  explicit DenoiseStream(std::shared_ptr<const Denoiser> model, double limit_db = std::numeric_limits<double>::infinity());

  /// The next samples at 48 kHz, which must be finite; returns, sample by sample in their place, what is certain: all but the last 1.04 s
  /// at most.
  std::vector<float> push(std::span<const float> samples);
  /// The rest: as many samples in all as came in.
  std::vector<float> finish();

 private:
  void process(std::int64_t frames, bool last, std::vector<float>& out);
  torch::Tensor band_features(const torch::Tensor& power);
  torch::Tensor bin_features(const torch::Tensor& low);

  std::shared_ptr<const Denoiser> model_;
  double limit_db_;
  deepfilternet::Network::State state_;
  std::vector<float> waiting_;                 ///< from the begin of the next frame on
  std::vector<float> band_means_, bin_means_;  ///< exponential means: of the bands' levels in dB, of the low bins' magnitudes
  torch::Tensor spectrum_;                     ///< complex [frames, bins] that the filters of the next frames still see
  torch::Tensor overlap_;                      ///< what the last frame adds to the next samples
  std::int64_t frames_in_ = 0, samples_in_ = 0, samples_out_ = 0;
};

}  // namespace voxconv
