#pragma once
#include "models/native/acoustic.h"
#include "models/native/vocoder.h"
#include "train/audio_discriminator.h"
#include "train/corpus.h"
#include "train/learner.h"
#include "train/training.h"

namespace voxconv::train {

struct VocoderTaskOptions {
  double peak_rate = 1e-3;
  double adversarial_from = 0.5;                ///< from this part of the run on, a discriminator listens too
  torch::ScalarType precision = torch::kFloat;  ///< of the discriminator; the vocoder itself trains in fp32
  /// Where given, most of the crops played at their own speed get the envelope that this model predicts for them, so that the vocoder
  /// learns to undo its smoothing (as vocoders are tuned to predicted mels: Shen et al. 2018, Tacotron 2). The speakers then need content.
  native::AcousticModel acoustic{nullptr};
};

/// Trains the universal vocoder on copy-synthesis: envelope and f0 of a recording -> the recording. Half of the crops are played at another
/// speed, which makes other voices and pitches of them, up to high singing.
class VocoderTask : public Task {
 public:
  /// `corpus` outlives the task; its speakers need no content.
  VocoderTask(const Corpus& corpus, native::Vocoder vocoder, torch::Device device, VocoderTaskOptions options);

  std::map<std::string, double> step(Dice& dice, double progress) override;
  double held_out_loss() override;
  int phase(double progress) const override;
  std::map<std::string, torch::Tensor> weights() override;
  void save(std::map<std::string, torch::Tensor>& checkpoint) const override;
  void load(const std::map<std::string, torch::Tensor>& checkpoint) override;
  torch::Tensor listen() override;

 private:
  struct Batch {
    torch::Tensor audio, envelope, f0, pulses, noise;
  };
  torch::Tensor predicted_envelope(const Crop& crop, Dice& dice) const;
  Batch make_batch(const std::vector<Crop>& crops, Dice& dice, bool augment) const;
  torch::Tensor render(const Batch& batch);

  const Corpus& corpus_;
  native::Vocoder vocoder_;
  torch::Device device_;
  AudioDiscriminator discriminator_;
  VocoderTaskOptions options_;
  Learner learner_, critic_;
  std::int64_t steps_ = 0;
};

/// Pulses for each row of f0 [B, T] -> [B, T * hop], each row starting at its own phase in radians.
torch::Tensor render_pulses(const torch::Tensor& f0, const std::vector<double>& phases);

}  // namespace voxconv::train
