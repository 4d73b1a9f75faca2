#include "nn/weight_norm.h"

#include <optional>

#include "core/fail.h"

namespace voxconv::nn {
namespace {

constexpr const char* parametrizations = ".parametrizations.";

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// One half of a pair: the weight it belongs to, the name of the other half, and whether it is g.
struct Half {
  std::string weight, other;
  bool is_g;
};

std::optional<Half> half_of(const std::string& name) {
  if (ends_with(name, "weight_g")) return Half{name.substr(0, name.size() - 2), name.substr(0, name.size() - 1) + "v", true};
  if (ends_with(name, "weight_v")) return Half{name.substr(0, name.size() - 2), name.substr(0, name.size() - 1) + "g", false};
  const std::size_t at = name.rfind(parametrizations);
  if (at == std::string::npos) return {};
  const std::string rest = name.substr(at + std::string(parametrizations).size());  // "weight.original0"
  for (const bool is_g : {true, false}) {
    const std::string end = is_g ? ".original0" : ".original1";
    if (!ends_with(rest, end)) continue;
    return Half{name.substr(0, at + 1) + rest.substr(0, rest.size() - end.size()), name.substr(0, name.size() - 1) + (is_g ? "1" : "0"),
                is_g};
  }
  return {};
}

}  // namespace

torch::Tensor fuse_weight_norm(const torch::Tensor& g, const torch::Tensor& v) {
  std::vector<std::int64_t> normed;  // the dimensions that the norm runs over
  bool fits = g.dim() == v.dim();
  for (std::int64_t d = 0; fits && d < v.dim(); ++d) {
    fits = g.size(d) == 1 || g.size(d) == v.size(d);
    if (g.size(d) == 1) normed.push_back(d);
  }
  if (!fits || normed.size() + 1 < static_cast<std::size_t>(v.dim()))
    fail(ErrorCode::bad_model, "A weight norm has a g of {} dimensions that does not belong to its v of {}.", g.dim(), v.dim());
  const torch::Tensor wide = v.to(torch::kFloat);
  if (normed.empty()) return g.to(torch::kFloat) * wide.sign();  // one dimension: each number is its own vector
  return wide * (g.to(torch::kFloat) / wide.square().sum(normed, true).sqrt());
}

StateDict fuse_weight_norms(const StateDict& tensors) {
  StateDict fused;
  for (const auto& [name, tensor] : tensors) {
    const std::optional<Half> half = half_of(name);
    if (!half) {
      if (!fused.emplace(name, tensor).second)
        fail(ErrorCode::bad_model, "The weight {} is there both with and without weight norm.", name);
      continue;
    }
    const auto other = tensors.find(half->other);
    if (other == tensors.end()) fail(ErrorCode::bad_model, "The tensor {} has weight norm, but {} is missing.", name, half->other);
    if (!half->is_g) continue;  // done with its g
    if (!fused.emplace(half->weight, fuse_weight_norm(tensor, other->second)).second)
      fail(ErrorCode::bad_model, "The weight {} is there both with and without weight norm.", half->weight);
  }
  return fused;
}

void split_weight_norm(StateDict& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) fail(ErrorCode::internal, "split_weight_norm: there is no tensor {}.", name);
  const torch::Tensor weight = found->second;
  std::vector<std::int64_t> normed;
  for (std::int64_t d = 1; d < weight.dim(); ++d) normed.push_back(d);
  tensors[name + "_g"] = weight.to(torch::kFloat).square().sum(normed, true).sqrt();
  tensors[name + "_v"] = weight;
  tensors.erase(name);
}

}  // namespace voxconv::nn
