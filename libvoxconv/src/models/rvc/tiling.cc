#include "models/rvc/tiling.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

namespace voxconv::rvc {

std::int64_t tile_samples(std::int64_t channels, torch::Device device, torch::ScalarType type) {
  if (!device.is_cpu()) return std::numeric_limits<std::int64_t>::max();
  const std::int64_t bytes = 1 << 20;
  return std::max<std::int64_t>(bytes / (channels * static_cast<std::int64_t>(c10::elementSize(type))), 256);
}

Piece in_tiles(Span span, std::int64_t tile, const std::function<torch::Tensor(Span)>& compute) {
  const std::int64_t tiles = (span.size() - 1) / tile + 1;
  if (tiles <= 1) return {compute(span), span.begin};
  std::vector<torch::Tensor> parts(static_cast<std::size_t>(tiles));
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    const torch::NoGradGuard guard;  // of this thread
    for (std::int64_t i = begin; i < end; ++i)
      parts[static_cast<std::size_t>(i)] = compute({span.begin + span.size() * i / tiles, span.begin + span.size() * (i + 1) / tiles});
  };
  // A thread for each tile, rather than all threads in each convolution, spares them waiting for each other.
  at::parallel_for(0, tiles, 1, run);
  return {torch::cat(parts, 3), span.begin};
}

torch::Tensor in_blocks(Span frames, std::int64_t hop, const torch::TensorOptions& options,
                        const std::function<torch::Tensor(Span)>& compute) {
  const std::int64_t block = options.device().is_cpu() ? 100 : 3000;
  torch::Tensor all = torch::empty({frames.size() * hop}, options);
  for (std::int64_t first = frames.begin; first < frames.end; first += block) {
    const Span span{first * hop, std::min(first + block, frames.end) * hop};
    all.narrow(0, span.begin - frames.begin * hop, span.size()).copy_(compute(span));
  }
  return all;
}

}  // namespace voxconv::rvc
