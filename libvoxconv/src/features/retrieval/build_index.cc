#include <faiss/Clustering.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/FaissException.h>
#include <faiss/index_io.h>

#include <algorithm>
#include <cmath>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "features/retrieval/flat_centres.h"
#include "features/retrieval/retrieval_index.h"

namespace voxconv {
namespace {

// Of RVC's train_index.py.
constexpr std::int64_t most_vectors = 200000, kept_centres = 10000;
constexpr std::int64_t vectors_per_list = 39;
constexpr double lists_per_root = 16;

// Centres that stand for vectors need not be exact: few rounds over a sample do.
constexpr int centre_rounds = 5, vectors_per_centre = 40;

void settle(faiss::ClusteringParameters& clustering, std::uint64_t seed) {
  clustering.seed = int(seed % (1u << 30));
  clustering.min_points_per_centroid = 1;  // below it faiss prints a warning
  clustering.verbose = false;
}

/// k-means centres in place of so many vectors.
torch::Tensor centres_of(const torch::Tensor& features, std::uint64_t seed) {
  const int dim = int(features.size(1));
  faiss::Clustering clustering(dim, int(kept_centres));
  settle(clustering, seed);
  clustering.niter = centre_rounds;
  clustering.max_points_per_centroid = vectors_per_centre;
  FlatCentres index(dim);
  clustering.train(features.size(0), features.data_ptr<float>(), index);
  return torch::from_blob(clustering.centroids.data(), {kept_centres, dim}).clone();
}

}  // namespace

void build_retrieval_index(const std::string& path, const torch::Tensor& features, std::uint64_t seed) {
  const torch::InferenceMode guard;
  torch::Tensor vectors = features.to(torch::kCPU, torch::kFloat).contiguous();
  if (vectors.dim() != 2 || vectors.size(0) < 1 || vectors.size(1) < 1)
    fail(ErrorCode::usage, "A retrieval index is made of at least one frame of features; there are none.");
  if (!vectors.isfinite().all().item<bool>()) fail(ErrorCode::usage, "The features for a retrieval index are not all finite numbers.");
  AtomicFile file(path);
  try {
    if (vectors.size(0) > most_vectors) vectors = centres_of(vectors, seed);
    const std::int64_t count = vectors.size(0);
    const std::int64_t lists =
        std::max<std::int64_t>(1, std::min(std::int64_t(lists_per_root * std::sqrt(double(count))), count / vectors_per_list));
    FlatCentres centres(vectors.size(1));
    faiss::IndexIVFFlat index(&centres, std::size_t(vectors.size(1)), std::size_t(lists));
    settle(index.cp, seed);
    index.nprobe = 1;
    index.train(count, vectors.data_ptr<float>());
    index.add(count, vectors.data_ptr<float>());
    faiss::write_index(&index, file.path().c_str());
  } catch (const faiss::FaissException& e) {
    fail(ErrorCode::io, "The retrieval index {} cannot be made: {}", path, e.what());
  }
  file.commit();
}

}  // namespace voxconv
