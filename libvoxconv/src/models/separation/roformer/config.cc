#include "models/separation/roformer/config.h"

#include "features/mel.h"

namespace voxconv::roformer {

std::vector<Band> mel_bands(int sample_rate, std::int64_t n_fft, std::int64_t count) {
  torch::Tensor filters = mel_filters({.sample_rate = sample_rate, .n_fft = int(n_fft), .bins = int(count)}) > 0;
  filters[0][0] = true;
  filters[-1][-1] = true;
  std::vector<Band> bands;
  std::int64_t covered = 0;
  for (std::int64_t b = 0; b < count; ++b) {
    const torch::Tensor bins = filters[b].nonzero();
    if (bins.numel() == 0) return {};
    const std::int64_t first = bins[0].item<std::int64_t>(), last = bins[-1].item<std::int64_t>();
    if (first > covered || last - first + 1 != bins.size(0)) return {};
    covered = last + 1;
    bands.push_back({first, bins.size(0)});
  }
  return bands;
}

std::vector<Band> adjacent_bands(const std::vector<std::int64_t>& counts) {
  std::vector<Band> bands;
  std::int64_t first = 0;
  for (const std::int64_t count : counts) {
    bands.push_back({first, count});
    first += count;
  }
  return bands;
}

}  // namespace voxconv::roformer
