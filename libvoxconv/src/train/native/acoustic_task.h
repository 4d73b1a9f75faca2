#pragma once
#include "models/native/acoustic.h"
#include "models/native/difference.h"
#include "models/native/vocoder.h"
#include "train/learner.h"
#include "train/native/corpus.h"
#include "train/training.h"

namespace voxconv::train {

/// Scores patches of spectral envelopes as recorded or generated, given the speaker. A small 2-D convolutional network with a projection of
/// the speaker embedding (Miyato & Koyama 2018).
class DiscriminatorImpl : public torch::nn::Module {
 public:
  DiscriminatorImpl();
  /// envelope relative to the loudness [B, T, envelope_bins], speaker [B, speaker_dim] -> scores [B, patches].
  torch::Tensor forward(const torch::Tensor& envelope, const torch::Tensor& speaker);

 private:
  torch::nn::ModuleList layers_{nullptr};
  torch::nn::Conv2d score_{nullptr};
  torch::nn::Linear speaker_{nullptr};
};
TORCH_MODULE(Discriminator);

/// Reads the content back from spectral envelopes: what it makes of a generated envelope tells whether the words survive. It learns from
/// recordings, of which it sees envelopes only.
class ContentReaderImpl : public torch::nn::Module {
 public:
  ContentReaderImpl();
  /// envelope relative to the loudness [B, T, envelope_bins] -> normalised content [B, T, content_dim].
  torch::Tensor forward(const torch::Tensor& envelope);

 private:
  torch::nn::Conv1d input_{nullptr};
  torch::nn::ModuleList blocks_{nullptr};
  torch::nn::Linear output_{nullptr};
};
TORCH_MODULE(ContentReader);

struct AcousticTaskOptions {
  double peak_rate = 1e-3;
  /// From this part of the run on, a discriminator sharpens the envelopes; it also scores conversions of other
  /// speakers' content, for which there is no recording to compare with.
  double adversarial_from = 0.5;
  torch::ScalarType precision = torch::kFloat;  ///< of the matrix products
  /// Fine-tuning: the weights that the run starts from say what lies above the recordings' band limit.
  bool keep_upper_band = false;
  /// Train a native::Difference to the weights that the run starts from; that is what weights() gives.
  bool as_difference = false;
};

/// Trains the acoustic model: content, pitch, loudness and speaker of a recording -> its spectral envelope. Three times in four the
/// content is that of the recording played faster or slower, which removes what it says about this speaker, or in a noisy room.
class AcousticTask : public Task {
 public:
  /// `corpus` outlives the task.
  AcousticTask(const Corpus& corpus, native::AcousticModel model, native::Vocoder vocoder, torch::Device device,
               AcousticTaskOptions options);

  std::map<std::string, double> step(RandomSource& random, double progress) override;
  double held_out_loss() override;
  int phase(double progress) const override;
  std::map<std::string, torch::Tensor> weights() override;
  void save(std::map<std::string, torch::Tensor>& checkpoint) const override;
  void load(const std::map<std::string, torch::Tensor>& checkpoint) override;
  AudioBuffer render_sample() override;

 private:
  Learner make_learner();

  struct Batch {
    torch::Tensor content, f0, loudness, envelope, speaker;
    torch::Tensor in_band;    ///< [B, 1, envelope_bins] 1 where the recording has something to learn from
    torch::Tensor median_f0;  ///< [B] Hz, of the speaker
  };
  struct Traits {
    torch::Tensor embedding;
    float median_f0;
  };
  Batch make_batch(const std::vector<Crop>& crops, RandomSource& random, bool augment) const;
  /// The envelope [B, T, envelope_bins] of a batch's content and loudness.
  torch::Tensor predict(native::AcousticModel& model, const Batch& batch, const torch::Tensor& f0, const torch::Tensor& speaker) const;
  torch::Tensor reconstruction_loss(const torch::Tensor& envelope, const Batch& batch) const;
  /// The batch with what lies above each row's band limit as the starting weights have it.
  Batch with_upper_band(Batch batch);

  const Corpus& corpus_;
  native::AcousticModel model_;
  native::AcousticModel teacher_{nullptr};  ///< the weights that the run starts from, where they are needed
  native::Difference difference_{nullptr};  ///< what is trained, if as_difference
  native::Vocoder vocoder_;
  Discriminator discriminator_;
  ContentReader reader_;
  torch::Device device_;
  AcousticTaskOptions options_;
  Learner learner_, critic_, reading_;
  std::int64_t steps_ = 0;
  std::map<const SpeakerData*, Traits> traits_;
};

/// Sets the points of the output layer (weight [envelope_bins, channels], bias [envelope_bins]) above `top_hz`, which no recording teaches,
/// to what the last one below gives, falling with the frequency: left as they were initialised they would be a loud hiss.
void extrapolate_upper_band(torch::Tensor& weight, torch::Tensor& bias, double top_hz);

}  // namespace voxconv::train
