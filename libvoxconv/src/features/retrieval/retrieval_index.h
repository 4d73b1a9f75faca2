#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "nn/torch.h"

namespace voxconv {

struct RetrievalOptions {
  std::int64_t neighbours = 8;
  std::int64_t probes = 0;  ///< inverted lists searched; 0: what the file says (RVC: 1)
};

/// The training recordings' content features, to be found again by similarity (a faiss index, as RVC makes them). Const and thread-safe.
class RetrievalIndex {
 public:
  virtual ~RetrievalIndex() = default;
  virtual std::int64_t dim() const = 0;
  virtual std::int64_t size() const = 0;  ///< vectors
  /// `content` [T, dim] float32 on the CPU -> for each frame the mean of its nearest vectors weighted by the inverse square of their
  /// squared distance, [T, dim]. A frame that is in the index comes back as itself; missing neighbours count nothing; without any the
  /// frame comes back as it is.
  virtual torch::Tensor nearest(const torch::Tensor& content) const = 0;
};

/// Reads faiss' own format. The file is data: sizes are checked before memory is taken. Throws Error(not_found | bad_model | usage).
std::shared_ptr<const RetrievalIndex> load_retrieval_index(const std::string& path, const RetrievalOptions& options = {});

/// Builds RVC's kind of index ("IVFn,Flat", n = min(16 sqrt(N), N / 39)) over `features` [N, dim], above 200,000 rows over 10,000 k-means
/// centres. Same seed, same index. Writes atomically. Throws Error(usage | io).
void build_retrieval_index(const std::string& path, const torch::Tensor& features, std::uint64_t seed = 0);

}  // namespace voxconv
