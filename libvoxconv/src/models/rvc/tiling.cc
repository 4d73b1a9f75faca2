#include "models/rvc/tiling.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

#include "core/stage_clock.h"

namespace voxconv::rvc {
namespace {

// Of one tensor of a tile. A tile has about four that are used again and again. Measured on Zen 5 (1 MB L2 a core, 32 MB L3): a quarter of
// this is 10 % slower, because more is computed twice and in shorter rows; from half to twice this the speed is the same, and the
// convolutions reach 98 % of the processor's arithmetic.
constexpr std::int64_t tile_bytes = 1 << 20;
constexpr std::int64_t most_division = 4;  // parts into which a tile may fall to give every thread one

// With fewer frames too much of the first stage is computed twice; more would only take memory.
std::int64_t block_frames(torch::Device device) {
  constexpr std::int64_t on_gpu = 3000;
  if (!device.is_cpu()) return on_gpu;
  return at::get_num_threads() <= 2 ? least_block_frames : 3 * least_block_frames;
}

}  // namespace

Span Span::within(std::int64_t length) const {
  const std::int64_t first = std::clamp<std::int64_t>(begin, 0, length);
  return {first, std::clamp(end, first, length)};
}

torch::Tensor empty_image(std::int64_t channels, std::int64_t samples, const torch::TensorOptions& options) {
  return image_of(torch::empty({samples, channels}, options));
}

torch::Tensor image_of(const torch::Tensor& rows) { return rows.view({1, 1, rows.size(0), rows.size(1)}).permute({0, 3, 1, 2}); }

torch::Tensor rows_of(const torch::Tensor& image) { return image.permute({0, 2, 3, 1}).view({image.size(3), image.size(1)}); }

torch::Tensor cut(const Piece& piece, Span span, std::int64_t length) {
  const Span inside = span.within(length);
  const torch::Tensor part = piece.x.narrow(3, inside.begin - piece.begin, inside.size());
  if (inside.size() == span.size()) return part;
  torch::Tensor padded = empty_image(piece.x.size(1), span.size(), piece.x.options());
  const std::int64_t before = inside.begin - span.begin, after = span.end - inside.end;
  padded.narrow(3, 0, before).zero_();
  padded.narrow(3, before, inside.size()).copy_(part);
  padded.narrow(3, before + inside.size(), after).zero_();
  return padded;
}

std::int64_t tile_samples(std::int64_t channels, torch::Device device, torch::ScalarType type) {
  if (!device.is_cpu()) return std::numeric_limits<std::int64_t>::max();
  return std::max<std::int64_t>(tile_bytes / (channels * static_cast<std::int64_t>(c10::elementSize(type))), 256);
}

Piece in_tiles(Span span, std::int64_t tile, const std::function<torch::Tensor(Span)>& compute) {
  // A thread for each tile, rather than all threads in each convolution, spares them waiting for each other; but a tile must stay longer
  // than its overlap.
  const std::int64_t threads = at::get_num_threads(), few = (span.size() - 1) / tile + 1, many = (few + threads - 1) / threads * threads;
  const bool in_parallel = threads > 1 && span.size() / many >= tile / most_division;
  const std::int64_t tiles = in_parallel ? many : few;
  if (tiles <= 1) return {compute(span), span.begin};
  std::vector<torch::Tensor> parts(static_cast<std::size_t>(tiles));
  const std::optional<Stage> stage = StageScope::current();
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    const StageWorker worker(stage);
    const torch::NoGradGuard guard;  // of this thread
    for (std::int64_t i = begin; i < end; ++i)
      parts[static_cast<std::size_t>(i)] = compute({span.begin + span.size() * i / tiles, span.begin + span.size() * (i + 1) / tiles});
  };
  if (in_parallel)
    at::parallel_for(0, tiles, 1, run);
  else
    run(0, tiles);
  return {torch::cat(parts, 3), span.begin};
}

torch::Tensor in_blocks(Span frames, std::int64_t hop, const torch::TensorOptions& options,
                        const std::function<torch::Tensor(Span)>& compute) {
  const std::int64_t block = block_frames(options.device());
  torch::Tensor all = torch::empty({frames.size() * hop}, options);
  for (std::int64_t first = frames.begin; first < frames.end; first += block) {
    const Span span{first * hop, std::min(first + block, frames.end) * hop};
    all.narrow(0, span.begin - frames.begin * hop, span.size()).copy_(compute(span));
  }
  return all;
}

}  // namespace voxconv::rvc
