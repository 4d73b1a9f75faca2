#pragma once
#include <cstdint>
#include <functional>

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

/// Samples of `channels` numbers each that a tile of a stage should have: on the CPU as many as keep the tile's few tensors in the caches;
/// elsewhere no limit.
std::int64_t tile_samples(std::int64_t channels, torch::Device device, torch::ScalarType type);

/// Computes `span` in equal tiles of about `tile` samples with `compute`, which returns [1, C, 1, n] for n samples, on several threads.
Piece in_tiles(Span span, std::int64_t tile, const std::function<torch::Tensor(Span)>& compute);

/// Frames of the smallest block of in_blocks(). Whoever gives whole blocks, or three times as many, leaves no small one over.
inline constexpr std::int64_t least_block_frames = 128;

/// Computes `frames` of `hop` samples each in blocks, each from beginning to end before the next one is begun, which bounds the memory:
/// `compute` returns the [n] samples of its span, the blocks together are [frames.size() * hop].
torch::Tensor in_blocks(Span frames, std::int64_t hop, const torch::TensorOptions& options,
                        const std::function<torch::Tensor(Span)>& compute);

}  // namespace voxconv::rvc
