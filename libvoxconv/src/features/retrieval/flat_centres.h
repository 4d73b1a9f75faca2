#pragma once
#include <faiss/IndexFlat.h>

#include <algorithm>
#include <cstdint>

#include "nn/torch.h"

namespace voxconv {

/// faiss' flat index of list centres, searched by LibTorch's matrix product: faiss' own needs a BLAS, of which there would then be two in
/// one process, and OpenBLAS as old as Debian's gives wrong numbers on some newer processors.
class FlatCentres final : public faiss::IndexFlatL2 {
 public:
  using faiss::IndexFlatL2::IndexFlatL2;

  void search(std::int64_t n, const float* queries, std::int64_t k, float* distances, std::int64_t* labels,
              const faiss::SearchParameters* = nullptr) const override {
    const torch::Tensor centres = torch::from_blob(const_cast<float*>(get_xb()), {ntotal, d});
    const torch::Tensor norms = centres.square().sum(1);
    for (std::int64_t at = 0; at < n; at += block) {
      const std::int64_t rows = std::min<std::int64_t>(block, n - at);
      const torch::Tensor x = torch::from_blob(const_cast<float*>(queries) + at * d, {rows, d});
      const auto nearest = torch::addmm(norms.unsqueeze(0), x, centres.t(), 1, -2).topk(k, 1, false, true);
      torch::from_blob(distances + at * k, {rows, k}).copy_((std::get<0>(nearest) + x.square().sum(1, true)).clamp_min(0));
      torch::from_blob(labels + at * k, {rows, k}, torch::kLong).copy_(std::get<1>(nearest));
    }
  }

 private:
  static constexpr std::int64_t block = 1024;  // queries at a time: with 10,000 centres 40 MB of distances
};

}  // namespace voxconv
