#pragma once
#include <cstddef>
#include <functional>

#include "nn/torch.h"
#include "voxconv/audio_buffer.h"

namespace voxconv {

/// Changes the short-time spectra of a stream: frames a quarter of their length apart, the root of a Hann window before and after. As many
/// samples come out as went in, at their time; memory does not grow, and nothing depends on how the stream is cut. One instance per stream.
class SpectralFilter {
 public:
  /// Complex spectra [channels in, frames, frame / 2 + 1] -> [channels out, ...], called for consecutive frames.
  using Change = std::function<torch::Tensor(const torch::Tensor& spectra)>;

  static constexpr std::size_t overlap = 4;  ///< frames over a sample

  /// `frame`: samples, a multiple of `overlap`; `change` makes `channels_out` of `channels_in` channels.
  SpectralFilter(int rate, std::size_t channels_in, std::size_t channels_out, std::size_t frame, Change change);

  AudioBuffer push(const AudioBuffer& audio);  ///< lags behind by up to 35 hops; may be empty
  AudioBuffer finish();                        ///< the rest

 private:
  void process();

  const std::size_t frame_, hop_;
  const Change change_;
  torch::Tensor window_;
  AudioBuffer waiting_;  ///< samples from the next frame on
  AudioBuffer overlap_;  ///< sums that later frames add to
  AudioBuffer ready_;
  std::size_t skipped_;   ///< samples that lie before the begin and are not given out
  std::size_t held_ = 0;  ///< that came in and were not given out
};

}  // namespace voxconv
