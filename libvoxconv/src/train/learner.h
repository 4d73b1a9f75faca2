#pragma once
#include <functional>
#include <map>
#include <string>

#include "nn/torch.h"

namespace voxconv::train {

/// For parameters that stand for those of another network: what to do around a step.
struct StepHooks {
  std::function<void()> before_backward;  ///< clears that network's gradients
  std::function<void()> after_backward;   ///< takes over its gradients
  std::function<void()> after_change;     ///< gives it the weights that the parameters stand for
};

/// One network in training: AdamW, gradient clipping, and an exponential moving average of the weights, which is what ships.
class Learner {
 public:
  /// `name` prefixes the tensors of a checkpoint. `average`: keep the moving average.
  Learner(std::string name, std::shared_ptr<torch::nn::Module> module, double peak_rate, bool average, StepHooks hooks = {});

  /// Steps along the gradients of `loss`. rate_scale in [0, 1] follows the schedule.
  void step(const torch::Tensor& loss, double rate_scale);

  void save(std::map<std::string, torch::Tensor>& tensors) const;
  void load(const std::map<std::string, torch::Tensor>& tensors);  ///< throws Error(bad_model)

 private:
  friend class AveragedWeights;
  void swap_average();

  std::string name_;
  std::shared_ptr<torch::nn::Module> module_;
  double peak_rate_;
  torch::optim::AdamW optimizer_;
  std::map<std::string, torch::Tensor> average_;
  std::int64_t steps_ = 0;
  StepHooks hooks_;
};

/// While it lives, the network has its averaged weights.
class AveragedWeights {
 public:
  explicit AveragedWeights(Learner& learner) : learner_(learner) { learner_.swap_average(); }
  ~AveragedWeights() { learner_.swap_average(); }
  AveragedWeights(const AveragedWeights&) = delete;

 private:
  Learner& learner_;
};

}  // namespace voxconv::train
