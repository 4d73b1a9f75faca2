#pragma once
#include <map>
#include <string>

#include "nn/torch.h"

namespace voxconv::train {

/// One network in training: AdamW, gradient clipping, and an exponential moving average of the weights, which is what ships.
class Learner {
 public:
  /// `name` prefixes the tensors of a checkpoint. `average`: keep the moving average.
  Learner(std::string name, std::shared_ptr<torch::nn::Module> module, double peak_rate, bool average);

  /// Steps along the gradients of `loss`. rate_scale in [0, 1] follows the schedule.
  void step(const torch::Tensor& loss, double rate_scale);

  /// Swaps the averaged weights with the trained ones (twice: as before).
  void swap_average();

  void save(std::map<std::string, torch::Tensor>& tensors) const;
  void load(const std::map<std::string, torch::Tensor>& tensors);  ///< throws Error(bad_model)

 private:
  std::string name_;
  std::shared_ptr<torch::nn::Module> module_;
  double peak_rate_;
  torch::optim::AdamW optimizer_;
  std::map<std::string, torch::Tensor> average_;
  std::int64_t steps_ = 0;
};

}  // namespace voxconv::train
