#include "nn/tensor_reader.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/fail.h"
#include "nn/finite.h"
#include "nn/mapped_file.h"

namespace voxconv::nn {
namespace {

constexpr std::size_t most_named = 12;

bool is_shape(torch::IntArrayRef found, torch::IntArrayRef wanted) {
  return std::equal(found.begin(), found.end(), wanted.begin(), wanted.end(),
                    [](std::int64_t f, std::int64_t w) { return f == w || w == -1; });
}

std::string shape_text(torch::IntArrayRef shape) {
  std::vector<std::string> extents;
  for (const std::int64_t extent : shape) extents.push_back(extent == -1 ? "any" : std::to_string(extent));
  return fmt::format("[{}]", fmt::join(extents, ", "));
}

/// Stands in for a tensor that is not there.
torch::Tensor placeholder(torch::IntArrayRef shape) {
  std::vector<std::int64_t> extents(shape.begin(), shape.end());
  std::replace(extents.begin(), extents.end(), std::int64_t(-1), std::int64_t(1));
  return torch::zeros({}).expand(extents);
}

/// "it lacks the tensor(s) a, b and 3 more"; nothing where there are no names.
void add_problem(std::vector<std::string>& problems, const char* what, std::vector<std::string> names) {
  if (names.empty()) return;
  const std::size_t left_out = names.size() > most_named ? names.size() - most_named : 0;
  names.resize(names.size() - left_out);
  problems.push_back(fmt::format("it {} {}{}", what, fmt::join(names, ", "), left_out ? fmt::format(" and {} more", left_out) : ""));
}

}  // namespace

TensorReader::TensorReader(const StateDict& tensors, std::string source, std::string prefix)
    : tensors_(tensors), source_(std::move(source)), prefix_(std::move(prefix)) {
  for (auto item = tensors.lower_bound(prefix_); item != tensors.end() && item->first.rfind(prefix_, 0) == 0; ++item) rest_.insert(*item);
}

torch::Tensor TensorReader::take(const std::string& name, torch::IntArrayRef shape) {
  if (const torch::Tensor found = take_optional(name, shape); found.defined()) return found;
  missing_.push_back(prefix_ + name);
  return placeholder(shape);
}

torch::Tensor TensorReader::take_optional(const std::string& name, torch::IntArrayRef shape) {
  const auto found = tensors_.find(prefix_ + name);
  if (found == tensors_.end()) return {};
  rest_.erase(found->first);
  if (is_shape(found->second.sizes(), shape)) {
    // A voice made of such numbers gives silence.
    if (!all_finite(found->second)) misshaped_.push_back(fmt::format("{} with numbers that are not finite", found->first));
    taken_.push_back(found->second);
    return found->second;
  }
  misshaped_.push_back(fmt::format("{} {}, expected {}", found->first, shape_text(found->second.sizes()), shape_text(shape)));
  return placeholder(shape);
}

void TensorReader::ignore(const std::string& start) {
  const std::string full = prefix_ + start;
  auto item = rest_.lower_bound(full);
  while (item != rest_.end() && item->first.rfind(full, 0) == 0) item = rest_.erase(item);
}

void TensorReader::release() {
  for (const torch::Tensor& tensor : taken_)
    if (tensor.is_cpu()) release_pages(tensor.const_data_ptr(), tensor.nbytes());
  taken_.clear();
}

void TensorReader::finish() const {
  std::vector<std::string> problems, extra;
  for (const auto& [name, tensor] : rest_) extra.push_back(name);
  add_problem(problems, "lacks the tensor(s)", missing_);
  add_problem(problems, "has the mis-shaped or damaged tensor(s)", misshaped_);
  add_problem(problems, "has the unexpected tensor(s)", extra);
  if (!problems.empty()) fail(ErrorCode::bad_model, "{} does not fit its architecture: {}.", source_, fmt::join(problems, "; "));
}

}  // namespace voxconv::nn
