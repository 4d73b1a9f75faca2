#include "nn/module.h"

#include <fmt/ranges.h>

#include <set>

#include "core/fail.h"

namespace voxconv::nn {
namespace {

template <typename Visit>
void for_each_tensor(const torch::nn::Module& module, Visit visit) {
  for (const auto& item : module.named_parameters()) visit(item.key(), item.value());
  for (const auto& item : module.named_buffers()) visit(item.key(), item.value());
}

}  // namespace

void load_parameters(torch::nn::Module& module, const Safetensors& file, const std::string& prefix) {
  torch::NoGradGuard no_grad;
  std::set<std::string> wanted;
  std::vector<std::string> missing, extra;
  for_each_tensor(module, [&](const std::string& key, torch::Tensor target) {
    const std::string name = prefix + key;
    wanted.insert(name);
    if (!file.has(name)) {
      missing.push_back(name);
      return;
    }
    const torch::Tensor source = file.get(name);
    if (source.sizes() != target.sizes())
      fail(ErrorCode::bad_model, "{}: tensor {} has the shape [{}], expected [{}].", file.path(), name, fmt::join(source.sizes(), ", "),
           fmt::join(target.sizes(), ", "));
    target.copy_(source);
  });
  for (const std::string& name : file.names())
    if (name.rfind(prefix, 0) == 0 && !wanted.count(name)) extra.push_back(name);
  if (!missing.empty()) fail(ErrorCode::bad_model, "{} lacks the tensor(s) {}.", file.path(), fmt::join(missing, ", "));
  if (!extra.empty()) fail(ErrorCode::bad_model, "{} has the unexpected tensor(s) {}.", file.path(), fmt::join(extra, ", "));
}

std::map<std::string, torch::Tensor> named_tensors(const torch::nn::Module& module, const std::string& prefix, torch::ScalarType type) {
  std::map<std::string, torch::Tensor> result;
  for_each_tensor(module, [&](const std::string& key, torch::Tensor tensor) {
    result[prefix + key] = tensor.is_floating_point() ? tensor.detach().to(type) : tensor.detach();
  });
  return result;
}

}  // namespace voxconv::nn
