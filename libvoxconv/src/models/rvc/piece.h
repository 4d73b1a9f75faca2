#pragma once
#include <cstdint>

#include "nn/torch.h"

namespace voxconv::rvc {

/// Samples [begin, end) of a signal.
struct Span {
  std::int64_t begin = 0, end = 0;

  std::int64_t size() const { return end - begin; }
  Span widened(std::int64_t reach) const { return {begin - reach, end + reach}; }
  /// What of it lies in a signal of `length` samples.
  Span within(std::int64_t length) const;
};

/// Part of a signal of C channels: an image [1, C, 1, L] in channels-last memory (a sample's channels lie together) whose first column is
/// sample `begin` of the signal.
struct Piece {
  torch::Tensor x;
  std::int64_t begin = 0;

  std::int64_t end() const { return begin + x.size(3); }
};

/// An image of `samples` columns without values.
torch::Tensor empty_image(std::int64_t channels, std::int64_t samples, const torch::TensorOptions& options);

/// `rows` [L, C], contiguous, as the image [1, C, 1, L]: a view.
torch::Tensor image_of(const torch::Tensor& rows);

/// The way back: [1, C, 1, L] in channels-last memory as [L, C], a view.
torch::Tensor rows_of(const torch::Tensor& image);

/// The columns of `span` in a signal of `length` samples: a view of `piece`, which must hold all that lies inside the signal; zeros are
/// added where the span leaves the signal, as a padded convolution sees them.
torch::Tensor cut(const Piece& piece, Span span, std::int64_t length);

}  // namespace voxconv::rvc
