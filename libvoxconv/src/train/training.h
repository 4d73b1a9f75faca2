#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/torch.h"
#include "train/random_source.h"
#include "voxconv/audio_buffer.h"
#include "voxconv/progress.h"

namespace voxconv::train {

/// What the training loop below drives: networks, their data and their losses.
class Task {
 public:
  virtual ~Task() = default;
  /// One optimiser step. `progress` in [0, 1) says how far the run is; returns the parts of the loss by name ("loss" among them).
  virtual std::map<std::string, double> step(RandomSource& random, double progress) = 0;
  /// Loss of the averaged weights on held-out clips; lower is better.
  virtual double held_out_loss() = 0;
  /// Which part of the run `progress` lies in; held-out losses are comparable only within a phase, and the best weights are those of the
  /// last one.
  virtual int phase(double progress) const = 0;
  /// The averaged weights, as they would ship.
  virtual std::map<std::string, torch::Tensor> weights() = 0;
  virtual void save(std::map<std::string, torch::Tensor>& checkpoint) const = 0;
  virtual void load(const std::map<std::string, torch::Tensor>& checkpoint) = 0;
  /// Held-out clips as synthesized with the averaged weights, mono: for people to hear how the run goes.
  virtual AudioBuffer render_sample() = 0;
};

struct LoopOptions {
  std::string work_dir;    ///< checkpoint.safetensors, best.safetensors, log.csv, samples/
  double minutes = 0;      ///< training time, all runs together; or
  std::int64_t steps = 0;  ///< number of steps; both: whichever comes first
  double checkpoint_minutes = 3;
  std::uint64_t seed = 0;
  bool resume = true;
  std::map<std::string, std::string> origin;  ///< what the run is made of, by name; kept in its checkpoints
};

struct LoopResult {
  std::map<std::string, torch::Tensor> best;  ///< weights with the lowest held-out loss of the last phase
  double best_loss = 0;
  std::int64_t steps = 0;
  double seconds = 0;
};

/// Throws Error(usage) where the run would go on from a checkpoint of another origin, or of one that is not known. run_training() does so
/// itself; before it, this spares a long preparation.
void check_origin(const LoopOptions& options);

/// Trains until the budget is spent; checkpoints, evaluates and logs every checkpoint_minutes; goes on from the last checkpoint, also after
/// kill -9. When cancelled it writes a checkpoint and throws Error(cancelled). Progress stage "train".
LoopResult run_training(Task& task, const LoopOptions& options, const ProgressFn& on_progress, const CancelToken& cancel);

/// Learning rate schedule: 100 steps of warm-up, then a cosine down to 2 %.
double rate_scale(std::int64_t step, double progress);

/// Phases of a run whose discriminator starts at `from`. 0: plain regression. 1: adversarial, at some cost in plain error. 2: the last
/// third of that, when the rate is low.
int adversarial_phase(double progress, double from);
/// Weight of the adversarial losses in [0, 1]: fades in, so that the untrained discriminator does no harm.
double adversarial_ramp(double progress, double from);

}  // namespace voxconv::train
