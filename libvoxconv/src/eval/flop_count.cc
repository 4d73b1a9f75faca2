#include "eval/flop_count.h"

#include <ATen/record_function.h>

#include <atomic>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "nn/torch.h"

namespace voxconv::eval {
namespace {

std::array<std::atomic<std::int64_t>, stage_count> counts;
thread_local int depth = 0;  // of counted operators: one is often made of others

/// How the multiplications of an operator follow from its tensors.
enum class Rule {
  convolution,  ///< (x, weight, ...), perhaps transposed
  pointwise,    ///< oneDNN's fused convolution: (x, weight, ...) or (x, addend, weight, ...)
  transposed,   ///< (x, weight, ...)
  linear,       ///< (x, weight, ...), or oneDNN's fused (x, addend, weight, ...)
  first,        ///< (a, b): a product over the last dimension of a
  second,       ///< (addend, a, b)
  attention     ///< (query, key, value, ...)
};

const std::unordered_map<std::string_view, Rule> rules = {
    {"aten::convolution", Rule::convolution},
    {"aten::_convolution", Rule::convolution},
    {"aten::mkldnn_convolution", Rule::pointwise},
    {"mkldnn::_convolution_pointwise", Rule::pointwise},
    {"mkldnn::_convolution_pointwise_", Rule::pointwise},
    {"mkldnn::_convolution_transpose_pointwise", Rule::transposed},
    {"aten::linear", Rule::linear},
    {"aten::mkldnn_linear", Rule::linear},
    {"mkldnn::_linear_pointwise", Rule::linear},
    {"mkl::_mkl_linear", Rule::linear},
    {"aten::mm", Rule::first},
    {"aten::bmm", Rule::first},
    {"aten::mv", Rule::first},
    {"aten::addmm", Rule::second},
    {"aten::addmv", Rule::second},
    {"aten::baddbmm", Rule::second},
    {"aten::_scaled_dot_product_flash_attention_for_cpu", Rule::attention},
    {"aten::_scaled_dot_product_flash_attention", Rule::attention},
    {"aten::_scaled_dot_product_efficient_attention", Rule::attention},
    {"aten::_scaled_dot_product_cudnn_attention", Rule::attention},
};

/// What is known at the start; with the size of the result it gives the multiplications: total + per_value * values + per_place * places.
struct Watched : at::ObserverContext {
  bool counted = false;
  std::int64_t total = 0, per_value = 0, per_place = 0;
};

bool is_transposed(c10::ArrayRef<const c10::IValue> inputs) { return inputs.size() > 6 && inputs[6].isBool() && inputs[6].toBool(); }

void measure(Rule rule, c10::ArrayRef<const c10::IValue> inputs, Watched& watched) {
  const auto tensor = [&](std::size_t i) { return inputs.size() > i && inputs[i].isTensor() ? inputs[i].toTensor() : torch::Tensor(); };
  const torch::Tensor a = tensor(0), b = tensor(1), c = tensor(2);
  if (!a.defined() || !b.defined() || a.numel() == 0) return;
  switch (rule) {
    case Rule::convolution:
      if (is_transposed(inputs))
        watched.total = a.numel() / a.size(1) * b.numel();
      else
        watched.per_place = b.numel();
      return;
    case Rule::pointwise:
      // With an addend the weight comes third; without, a bias, of one dimension.
      watched.per_place = c.defined() && c.dim() == b.dim() ? c.numel() : b.numel();
      return;
    case Rule::transposed: watched.total = a.numel() / a.size(1) * b.numel(); return;
    case Rule::linear: watched.total = a.numel() / a.size(-1) * (c.defined() && c.dim() == 2 ? c : b).numel(); return;
    case Rule::first: watched.per_value = a.size(-1); return;
    case Rule::second: watched.per_value = b.size(-1); return;
    case Rule::attention: watched.total = 2 * a.numel() * b.size(-2); return;
  }
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
  const auto rule = rules.find(function.name());
  if (rule == rules.end()) return nullptr;
  auto watched = std::make_unique<Watched>();
  watched->counted = true;
  if (depth++ == 0 && StageScope::current()) measure(rule->second, function.inputs(), *watched);
  return watched;
}

void end(const at::RecordFunction& function, at::ObserverContext* context) {
  auto* watched = static_cast<Watched*>(context);
  if (!watched || !watched->counted) return;
  --depth;
  std::int64_t products = watched->total;
  const auto& outputs = function.outputs();
  if ((watched->per_value || watched->per_place) && !outputs.empty() && outputs[0].isTensor()) {
    const torch::Tensor y = outputs[0].toTensor();
    products += watched->per_value * y.numel();
    if (watched->per_place && y.dim() > 1 && y.size(1) > 0) products += watched->per_place * (y.numel() / y.size(1));
  }
  if (const auto stage = StageScope::current()) counts[std::size_t(*stage)] += 2 * products;
}

}  // namespace

FlopCount::FlopCount() {
  for (auto& count : counts) count = 0;
  handle_ = at::addGlobalCallback(
      at::RecordFunctionCallback(begin, end).needsInputs(true).needsOutputs(true).scopes({at::RecordScope::FUNCTION}));
}

FlopCount::~FlopCount() { at::removeCallback(handle_); }

double FlopCount::of(Stage stage) { return double(counts[std::size_t(stage)].load()); }

}  // namespace voxconv::eval
