#include "nn/finite.h"

#include <cmath>

#include "core/fail.h"

namespace voxconv::nn {

bool all_finite(const torch::Tensor& tensor) {
  if (!tensor.is_floating_point() || tensor.is_meta() || tensor.numel() == 0) return true;
  const torch::NoGradGuard guard;
  const auto [low, high] = torch::aminmax(tensor);  // both are NaN where there is one
  // Networks compute in fp32 at most, in which a larger number of a file in fp64 is infinite.
  return std::isfinite(float(low.item<double>())) && std::isfinite(float(high.item<double>()));
}

torch::Tensor finite_weight(const Safetensors& file, const std::string& name) {
  const torch::Tensor tensor = file.get(name);
  if (!all_finite(tensor)) fail(ErrorCode::bad_model, "{} is damaged: its tensor {} has numbers that are not finite.", file.path(), name);
  return tensor;
}

}  // namespace voxconv::nn
