#pragma once
#include <functional>

#include "models/rvc/piece.h"

namespace voxconv::rvc {

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
