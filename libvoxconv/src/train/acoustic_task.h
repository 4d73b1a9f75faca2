#pragma once
#include "models/native/acoustic.h"
#include "models/native/vocoder.h"
#include "train/corpus.h"
#include "train/discriminator.h"
#include "train/learner.h"
#include "train/training.h"

namespace voxconv::train {

struct AcousticTaskOptions {
  double peak_rate = 1e-3;
  /// From this part of the run on, a discriminator sharpens the envelopes; it also hears other people's words sung by the target, for which
  /// there is no recording to compare with.
  double adversarial_from = 0.5;
  torch::ScalarType precision = torch::kFloat;  ///< of the matrix products
};

/// Trains the acoustic model: words, pitch, loudness and speaker of a recording -> its spectral envelope. Two times in three the words come
/// from the recording played faster or slower, so that nothing of who says them is left to lean on.
class AcousticTask : public Task {
 public:
  /// `corpus` outlives the task.
  AcousticTask(const Corpus& corpus, native::AcousticModel model, native::Vocoder vocoder, torch::Device device,
               AcousticTaskOptions options);

  std::map<std::string, double> step(Dice& dice, double progress) override;
  double held_out_loss() override;
  int phase(double progress) const override;
  std::map<std::string, torch::Tensor> weights() override;
  void save(std::map<std::string, torch::Tensor>& checkpoint) const override;
  void load(const std::map<std::string, torch::Tensor>& checkpoint) override;
  torch::Tensor listen() override;

 private:
  struct Batch {
    torch::Tensor content, f0, loudness, envelope, speaker;
    torch::Tensor in_band;    ///< [B, 1, envelope_bins] 1 where the recording has something to learn from
    torch::Tensor median_f0;  ///< [B] Hz, of the speaker
  };
  struct Traits {
    torch::Tensor embedding;
    float median_f0;
  };
  Batch make_batch(const std::vector<Crop>& crops, Dice& dice, bool augment) const;
  torch::Tensor reconstruction_loss(const torch::Tensor& envelope, const Batch& batch) const;

  const Corpus& corpus_;
  native::AcousticModel model_;
  native::Vocoder vocoder_;
  Discriminator discriminator_;
  torch::Device device_;
  AcousticTaskOptions options_;
  Learner learner_, critic_;
  std::int64_t steps_ = 0;
  std::map<const SpeakerData*, Traits> traits_;
};

}  // namespace voxconv::train
