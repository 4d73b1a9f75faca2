#include "train/learner.h"

#include <algorithm>

#include "core/fail.h"

namespace voxconv::train {
namespace {

constexpr double average_decay = 0.9985, largest_gradient = 1.0;

}  // namespace

Learner::Learner(std::string name, std::shared_ptr<torch::nn::Module> module, double peak_rate, bool average, StepHooks hooks)
    : name_(std::move(name)),
      module_(std::move(module)),
      peak_rate_(peak_rate),
      optimizer_(module_->parameters(), torch::optim::AdamWOptions(peak_rate).betas({0.8, 0.99}).weight_decay(0.01)),
      hooks_(std::move(hooks)) {
  if (average)
    for (const auto& item : module_->named_parameters()) average_[item.key()] = item.value().detach().clone();
}

void Learner::step(const torch::Tensor& loss, double rate_scale) {
  for (auto& group : optimizer_.param_groups()) group.options().set_lr(peak_rate_ * rate_scale);
  optimizer_.zero_grad();
  if (hooks_.before_backward) hooks_.before_backward();
  loss.backward();
  if (hooks_.after_backward) hooks_.after_backward();
  torch::nn::utils::clip_grad_norm_(module_->parameters(), largest_gradient);
  optimizer_.step();
  if (hooks_.after_change) hooks_.after_change();
  ++steps_;
  if (average_.empty()) return;
  torch::NoGradGuard no_grad;
  const double decay = std::min(average_decay, double(1 + steps_) / double(10 + steps_));
  for (const auto& item : module_->named_parameters()) average_[item.key()].lerp_(item.value(), 1 - decay);
}

void Learner::swap_average() {
  torch::NoGradGuard no_grad;
  for (auto& item : module_->named_parameters()) {
    torch::Tensor& average = average_.at(item.key());
    const torch::Tensor trained = item.value().detach().clone();
    item.value().copy_(average);
    average.copy_(trained);
  }
  if (hooks_.after_change) hooks_.after_change();
}

void Learner::save(std::map<std::string, torch::Tensor>& tensors) const {
  for (const auto& item : module_->named_parameters()) {
    const std::string key = name_ + "." + item.key();
    tensors[key] = item.value();
    if (!average_.empty()) tensors[key + ":average"] = average_.at(item.key());
    const auto state = optimizer_.state().find(item.value().unsafeGetTensorImpl());
    if (state == optimizer_.state().end()) continue;
    const auto& moments = static_cast<const torch::optim::AdamWParamState&>(*state->second);
    tensors[key + ":first"] = moments.exp_avg();
    tensors[key + ":second"] = moments.exp_avg_sq();
  }
  tensors[name_ + ":steps"] = torch::tensor(steps_);
}

void Learner::load(const std::map<std::string, torch::Tensor>& tensors) {
  torch::NoGradGuard no_grad;
  const auto find = [&](const std::string& key) -> const torch::Tensor& {
    const auto it = tensors.find(key);
    if (it == tensors.end())
      fail(ErrorCode::bad_model, "The training checkpoint lacks {}; it is of another version. Remove it to start over.", key);
    return it->second;
  };
  steps_ = find(name_ + ":steps").item<std::int64_t>();
  for (auto& item : module_->named_parameters()) {
    const std::string key = name_ + "." + item.key();
    item.value().copy_(find(key));
    if (!average_.empty()) average_[item.key()].copy_(find(key + ":average"));
    if (steps_ == 0 || !item.value().requires_grad()) continue;
    auto state = std::make_unique<torch::optim::AdamWParamState>();
    state->step(steps_);
    state->exp_avg(find(key + ":first").clone().to(item.value().device()));
    state->exp_avg_sq(find(key + ":second").clone().to(item.value().device()));
    optimizer_.state()[item.value().unsafeGetTensorImpl()] = std::move(state);
  }
  if (hooks_.after_change) hooks_.after_change();
}

}  // namespace voxconv::train
