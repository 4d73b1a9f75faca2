#include "features/retrieval/retrieval_index.h"

#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/FaissException.h>
#include <faiss/index_io.h>
#include <faiss/invlists/DirectMap.h>
#include <faiss/invlists/OnDiskInvertedLists.h>
#include <faiss/utils/distances.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/fail.h"
#include "features/retrieval/flat_centres.h"
#include "features/retrieval/index_file.h"

namespace voxconv {
namespace {

/// The neighbours of each frame, nearest first: squared distances and the vectors themselves (null: fewer than asked for).
struct Neighbours {
  std::vector<float> distances;
  std::vector<const float*> vectors;
};

/// Searches inverted lists, whose vectors stay in the file and are mapped.
class ListSearch {
 public:
  ListSearch(std::unique_ptr<faiss::IndexIVFFlat> index, std::int64_t probes) : index_(std::move(index)), centres_(index_->d) {
    index_->nprobe = std::size_t(std::clamp<std::int64_t>(probes, 1, std::int64_t(index_->nlist)));
    const auto& flat = dynamic_cast<const faiss::IndexFlat&>(*index_->quantizer);
    centres_.add(flat.ntotal, flat.get_xb());
    // Threads that read lists ahead would be started and ended for every call.
    if (auto* mapped = dynamic_cast<faiss::OnDiskInvertedLists*>(index_->invlists)) mapped->prefetch_nthread = 0;
  }

  Neighbours search(const float* frames, std::int64_t count, std::int64_t k) const {
    const auto probes = std::int64_t(index_->nprobe);
    std::vector<float> centre_distances(std::size_t(count * probes));
    std::vector<std::int64_t> lists(centre_distances.size()), places(std::size_t(count * k));
    Neighbours found{std::vector<float>(places.size()), std::vector<const float*>(places.size())};
    centres_.search(count, frames, probes, centre_distances.data(), lists.data());
    constexpr bool by_place = true;  // (list, place) instead of the vector's number
    index_->search_preassigned(count, frames, k, lists.data(), centre_distances.data(), found.distances.data(), places.data(), by_place);
    for (std::size_t i = 0; i < places.size(); ++i)
      if (places[i] >= 0) found.vectors[i] = vector(faiss::lo_listno(std::uint64_t(places[i])), faiss::lo_offset(std::uint64_t(places[i])));
    return found;
  }

 private:
  const float* vector(std::uint64_t list, std::uint64_t offset) const {
    return reinterpret_cast<const float*>(index_->invlists->get_codes(list)) + std::int64_t(offset) * index_->d;
  }

  std::unique_ptr<faiss::IndexIVFFlat> index_;
  FlatCentres centres_;
};

/// Looks at every vector.
class FlatSearch {
 public:
  explicit FlatSearch(std::unique_ptr<faiss::IndexFlat> index) : index_(std::move(index)) {}

  Neighbours search(const float* frames, std::int64_t count, std::int64_t k) const {
    std::vector<std::int64_t> ids(std::size_t(count * k));
    Neighbours found{std::vector<float>(ids.size()), std::vector<const float*>(ids.size())};
    index_->search(count, frames, k, found.distances.data(), ids.data());
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (ids[i] >= 0) found.vectors[i] = index_->get_xb() + ids[i] * index_->d;
    return found;
  }

 private:
  std::unique_ptr<faiss::IndexFlat> index_;
};

/// The weighted mean of up to `k` neighbours into `frame`, which stays as it is where there are none.
void blend(const float* distances, const float* const* vectors, std::int64_t k, std::int64_t dim, float* frame) {
  std::vector<double> sum(std::size_t(dim), 0.0);
  double weights = 0, nearest = 0;
  for (std::int64_t j = 0; j < k; ++j) {
    if (!vectors[j] || !std::isfinite(distances[j])) continue;
    if (distances[j] <= 0) {
      std::copy_n(vectors[j], dim, frame);
      return;
    }
    if (weights == 0) nearest = distances[j];
    const double weight = std::pow(nearest / distances[j], 2);  // relative to the nearest: no overflow however near it is
    weights += weight;
    for (std::int64_t i = 0; i < dim; ++i) sum[std::size_t(i)] += weight * vectors[j][i];
  }
  if (weights > 0)
    for (std::int64_t i = 0; i < dim; ++i) frame[i] = float(sum[std::size_t(i)] / weights);
}

template <typename Search>
class FaissIndex final : public RetrievalIndex {
 public:
  FaissIndex(Search search, const IndexFile& file, std::int64_t neighbours)
      : search_(std::move(search)), dim_(file.dim), size_(file.vectors), neighbours_(neighbours) {}

  std::int64_t dim() const override { return dim_; }
  std::int64_t size() const override { return size_; }

  torch::Tensor nearest(const torch::Tensor& content) const override {
    if (content.dim() != 2 || content.size(1) != dim_)
      fail(ErrorCode::usage, "The retrieval index has frames of {} numbers, the content encoder of this voice {}; it belongs to another.",
           dim_, content.size(-1));
    const torch::InferenceMode guard;
    const torch::Tensor frames = content.to(torch::kCPU, torch::kFloat).contiguous();
    torch::Tensor result = frames.clone();
    const Neighbours found = search_.search(frames.data_ptr<float>(), frames.size(0), neighbours_);
    for (std::int64_t t = 0; t < frames.size(0); ++t)
      blend(found.distances.data() + t * neighbours_, found.vectors.data() + t * neighbours_, neighbours_, dim_,
            result.data_ptr<float>() + t * dim_);
    return result;
  }

 private:
  Search search_;
  std::int64_t dim_, size_, neighbours_;
};

std::unique_ptr<faiss::Index> read(const std::string& path) {
  try {
    return std::unique_ptr<faiss::Index>(faiss::read_index(path.c_str(), faiss::IO_FLAG_MMAP));
  } catch (const faiss::FaissException& e) {
    fail(ErrorCode::bad_model, "The retrieval index {} cannot be read: {}", path, e.what());
  }
}

template <typename Kind>
std::unique_ptr<Kind> as(std::unique_ptr<faiss::Index> index, const std::string& path) {
  auto* kind = dynamic_cast<Kind*>(index.get());
  if (!kind) fail(ErrorCode::bad_model, "The retrieval index {} is of another kind than its head says.", path);
  index.release();
  return std::unique_ptr<Kind>(kind);
}

}  // namespace

std::shared_ptr<const RetrievalIndex> load_retrieval_index(const std::string& path, const RetrievalOptions& options) {
  if (options.neighbours < 1 || options.probes < 0)
    fail(ErrorCode::usage, "A retrieval index cannot be searched for {} neighbours in {} lists.", options.neighbours, options.probes);
  const IndexFile file = check_index_file(path);
  if (file.vectors == 0)
    fail(ErrorCode::bad_model, "The retrieval index {} holds no vectors; of RVC's two files the one named \"added_...\" is of use.", path);
  faiss::distance_compute_blas_threshold = std::numeric_limits<int>::max();  // see FlatCentres
  if (!file.inverted_lists)
    return std::make_shared<FaissIndex<FlatSearch>>(FlatSearch(as<faiss::IndexFlat>(read(path), path)), file, options.neighbours);
  return std::make_shared<FaissIndex<ListSearch>>(
      ListSearch(as<faiss::IndexIVFFlat>(read(path), path), options.probes ? options.probes : file.probes), file, options.neighbours);
}

}  // namespace voxconv
