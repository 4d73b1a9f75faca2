#pragma once
#include <array>
#include <span>
#include <vector>

namespace voxconv {

/// The high-pass in front of RVC's features: Butterworth of order 5 at 48 Hz for 16 kHz audio, run forwards and backwards (scipy's
/// butter(5, 48, "high", fs=16000) and filtfilt), so that it shifts nothing in time. In double precision.
std::vector<double> highpass(std::span<const double> audio);

/// The same of a stream, in bounded memory: the run backwards starts where its start is forgotten before what is given out. Differs from
/// highpass() by less than 1e-6 of the signal.
class StreamHighpass {
 public:
  /// Samples at feature_rate: the run backwards starts so far ahead of a block of what is given out.
  static constexpr std::size_t lookahead = 4000, block = 16000;

  std::vector<float> push(std::span<const float> audio);  ///< the samples that are now certain; may be none
  std::vector<float> finish();                            ///< the rest; as many samples in all as came in

 private:
  std::vector<float> take(std::size_t count, std::size_t input_count);
  void forward(double sample);

  static constexpr std::size_t order = 5;
  bool started_ = false;
  std::vector<double> head_;            ///< the first samples, until the extension before them is known
  std::vector<double> recent_;          ///< the last samples that came in
  std::vector<double> once_;            ///< filtered forwards only
  std::array<double, order> memory_{};  ///< of the run forwards
};

}  // namespace voxconv
