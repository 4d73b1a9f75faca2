#pragma once
#include <algorithm>
#include <cstdint>

#include "nn/torch.h"

namespace voxconv::rvc {

/// The part of a growing sequence that is still needed, addressed by absolute positions.
class FrameBuffer {
 public:
  /// `dim`: the dimension of its tensors that is time.
  explicit FrameBuffer(std::int64_t dim) : dim_(dim) {}

  std::int64_t begin() const { return begin_; }
  std::int64_t end() const { return kept_.defined() ? begin_ + kept_.size(dim_) : begin_; }

  void append(const torch::Tensor& more) { kept_ = kept_.defined() ? torch::cat({kept_, more}, dim_) : more; }
  /// Positions [first, last), which must be there: a view.
  torch::Tensor get(std::int64_t first, std::int64_t last) const { return kept_.narrow(dim_, first - begin_, last - first); }
  /// Nothing before `position` is needed any more. The memory is given back by the next append().
  void drop_before(std::int64_t position) {
    if (position <= begin_) return;
    const std::int64_t first = std::min(position, end());
    if (kept_.defined()) kept_ = kept_.narrow(dim_, first - begin_, end() - first);
    begin_ = first;
  }

 private:
  std::int64_t dim_, begin_ = 0;
  torch::Tensor kept_;
};

}  // namespace voxconv::rvc
