#pragma once
#include "models/native/vocoder.h"
#include "train/corpus.h"
#include "train/learner.h"
#include "train/training.h"

namespace voxconv::train {

/// Trains the universal vocoder on copy-synthesis: envelope and f0 of a recording -> the recording. Half of the crops are played at another
/// speed, which makes other voices and pitches of them, up to high singing.
class VocoderTask : public Task {
 public:
  /// `corpus` outlives the task; its speakers need no content.
  VocoderTask(const Corpus& corpus, native::Vocoder vocoder, torch::Device device, double peak_rate);

  std::map<std::string, double> step(Dice& dice, double progress) override;
  double held_out_loss() override;
  int phase(double) const override { return 0; }
  std::map<std::string, torch::Tensor> weights() override;
  void save(std::map<std::string, torch::Tensor>& checkpoint) const override;
  void load(const std::map<std::string, torch::Tensor>& checkpoint) override;
  torch::Tensor listen() override;

 private:
  struct Batch {
    torch::Tensor audio, envelope, f0, pulses, noise;
  };
  Batch make_batch(const std::vector<Crop>& crops, Dice& dice, bool augment) const;
  torch::Tensor render(const Batch& batch);

  const Corpus& corpus_;
  native::Vocoder vocoder_;
  torch::Device device_;
  Learner learner_;
  std::int64_t steps_ = 0;
};

/// Pulses for each row of f0 [B, T] -> [B, T * hop], each row starting at its own phase in radians.
torch::Tensor render_pulses(const torch::Tensor& f0, const std::vector<double>& phases);

}  // namespace voxconv::train
