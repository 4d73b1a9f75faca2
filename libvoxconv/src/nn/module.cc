#include "nn/module.h"

#include "nn/tensor_reader.h"

namespace voxconv::nn {
namespace {

template <typename Visit>
void for_each_tensor(const torch::nn::Module& module, Visit visit) {
  for (const auto& item : module.named_parameters()) visit(item.key(), item.value());
  for (const auto& item : module.named_buffers()) visit(item.key(), item.value());
}

}  // namespace

void load_parameters(torch::nn::Module& module, const StateDict& tensors, const std::string& source, const std::string& prefix) {
  torch::NoGradGuard no_grad;
  TensorReader reader(tensors, source, prefix);
  std::vector<std::pair<torch::Tensor, torch::Tensor>> copies;
  for_each_tensor(module,
                  [&](const std::string& key, torch::Tensor target) { copies.emplace_back(target, reader.take(key, target.sizes())); });
  reader.finish();
  for (auto& [target, found] : copies) target.copy_(found);
}

void load_parameters(torch::nn::Module& module, const Safetensors& file, const std::string& prefix) {
  load_parameters(module, file.tensors(), file.path(), prefix);
}

std::map<std::string, torch::Tensor> named_tensors(const torch::nn::Module& module, const std::string& prefix, torch::ScalarType type) {
  std::map<std::string, torch::Tensor> result;
  for_each_tensor(module, [&](const std::string& key, torch::Tensor tensor) {
    result[prefix + key] = tensor.is_floating_point() ? tensor.detach().to(type) : tensor.detach();
  });
  return result;
}

}  // namespace voxconv::nn
