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
    torch::Tensor audio, envelope, f0;  ///< [B, N], [B, T, envelope_bins], [B, T]
    torch::Tensor pulses, phase;        ///< [2 B, N] of two renderings
  };
  Batch make_batch(const std::vector<Crop>& crops, RandomSource& random, bool augment) const;
  /// Two renderings with pulses and noise of their own, one after the other: [2 B, N].
  torch::Tensor render_twice(const Batch& batch);
  torch::Tensor loss(const Batch& batch, const std::vector<std::int64_t>& sizes);

  const Corpus& corpus_;
  native::Vocoder vocoder_;
  torch::Device device_;
  Learner learner_;
  std::int64_t steps_ = 0;
};

/// Pulses and their phase for two renderings of f0 [B, T], one after the other: each [2 B, T * hop], each row with a phase and a slow error
/// of the pitch (10 cents at most) of its own. Where the glottal pulses of a recording lie is not known, nor its pitch to the last cent:
/// shared by both renderings, a wrong phase would be a distance to the recording that only noise can lessen, and voices would become
/// hoarse.
std::pair<torch::Tensor, torch::Tensor> render_pulses_twice(const torch::Tensor& f0, RandomSource& random);
/// White noise of variance 1 [B, N], from LibTorch's generator.
torch::Tensor white_noise(std::int64_t rows, std::int64_t samples);

}  // namespace voxconv::train
