#pragma once
#include "models/native/vocoder.h"
#include "train/learner.h"
#include "train/native/corpus.h"
#include "train/training.h"

namespace voxconv::train {

/// Trains the universal vocoder on copy-synthesis: envelope and f0 of a recording -> the recording. Half of the crops are played at another
/// speed, which makes other voices and pitches of them, up to high singing.
class VocoderTask : public Task {
 public:
  /// `corpus` outlives the task; its speakers need no content.
  VocoderTask(const Corpus& corpus, native::Vocoder vocoder, torch::Device device, double peak_rate);

  std::map<std::string, double> step(RandomSource& random, double progress) override;
  double held_out_loss() override;
  int phase(double) const override { return 0; }
  std::map<std::string, torch::Tensor> weights() override;
  void save(std::map<std::string, torch::Tensor>& checkpoint) const override;
  void load(const std::map<std::string, torch::Tensor>& checkpoint) override;
  AudioBuffer render_sample() override;

 private:
  struct Batch {
    torch::Tensor audio, envelope, f0, pulses, phase;
  };
  Batch make_batch(const std::vector<Crop>& crops, RandomSource& random, bool augment) const;
  /// Two renderings with noises of their own, one after the other: [2 B, N].
  torch::Tensor render_twice(const Batch& batch);
  torch::Tensor loss(const Batch& batch, const std::vector<std::int64_t>& sizes);

  const Corpus& corpus_;
  native::Vocoder vocoder_;
  torch::Device device_;
  Learner learner_;
  std::int64_t steps_ = 0;
};

/// White noise of variance 1 [B, N], from LibTorch's generator.
torch::Tensor white_noise(std::int64_t rows, std::int64_t samples);

}  // namespace voxconv::train
