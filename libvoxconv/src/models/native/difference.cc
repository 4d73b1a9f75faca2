#include "models/native/difference.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "nn/finite.h"
#include "nn/module.h"

namespace voxconv::native {
namespace {

constexpr std::int64_t difference_rank = 16;

/// Whether a product of two thin matrices is the smaller way to store the difference of this parameter.
bool is_product(const torch::Tensor& parameter) {
  if (parameter.dim() < 2) return false;
  const std::int64_t rows = parameter.size(0), columns = parameter.numel() / rows;
  return difference_rank * (rows + columns) < parameter.numel();
}

}  // namespace

DifferenceImpl::DifferenceImpl(AcousticModelImpl& model) {
  const auto generator = at::detail::createCPUGenerator(1);
  for (const auto& item : model.named_parameters()) {
    const torch::Tensor& parameter = item.value();
    if (!parameter.requires_grad()) continue;
    std::string key = item.key();
    std::ranges::replace(key, '.', '/');  // LibTorch allows no dots
    Part part{parameter, parameter.detach().clone(), {}, {}};
    if (is_product(parameter)) {
      const std::int64_t rows = parameter.size(0), columns = parameter.numel() / rows;
      part.left = register_parameter(key + "/left", torch::zeros({rows, difference_rank}, parameter.options()));
      part.right = register_parameter(
          key + "/right", (torch::randn({difference_rank, columns}, generator) / std::sqrt(double(columns))).to(parameter.device()));
    } else {
      part.left = register_parameter(key, torch::zeros_like(parameter));
    }
    parts_.push_back(std::move(part));
  }
}

void DifferenceImpl::apply() {
  torch::NoGradGuard no_grad;
  for (const Part& part : parts_)
    part.parameter.copy_(part.start +
                         (part.right.defined() ? torch::matmul(part.left, part.right).reshape(part.start.sizes()) : part.left));
}

void DifferenceImpl::collect_gradients() {
  torch::NoGradGuard no_grad;
  for (Part& part : parts_) {
    const torch::Tensor gradient = part.parameter.grad();
    if (!gradient.defined()) continue;
    if (part.right.defined()) {
      const torch::Tensor matrix = gradient.reshape({part.left.size(0), -1});
      part.left.mutable_grad() = torch::matmul(matrix, part.right.t());
      part.right.mutable_grad() = torch::matmul(part.left.t(), matrix);
    } else {
      part.left.mutable_grad() = gradient.clone();
    }
  }
}

void DifferenceImpl::clear_gradients() {
  for (Part& part : parts_) part.parameter.mutable_grad().reset();
}

void add_difference(AcousticModelImpl& model, const nn::Safetensors& file) {
  Difference difference(model);
  nn::load_parameters(*difference, file, difference_prefix);
  difference->apply();
  for (const auto& item : model.named_parameters())
    if (!nn::all_finite(item.value()))
      fail(ErrorCode::bad_model, "{} is damaged: with its difference the parameter {} has numbers that are not finite.", file.path(),
           item.key());
}

}  // namespace voxconv::native
