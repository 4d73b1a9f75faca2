#include "features/retrieval/retrieval_index.h"

#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/FaissException.h>
#include <faiss/index_io.h>
#include <faiss/invlists/DirectMap.h>
#include <faiss/invlists/OnDiskInvertedLists.h>
#include <faiss/utils/distances.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/fail.h"
#include "features/retrieval/flat_centres.h"
#include "features/retrieval/index_file.h"

namespace voxconv {
namespace {

/// faiss' distances are rounded differently by each processor, and so is the choice between two that are as good as equally far. So it is
/// asked for this many more than needed, and the choice is made in double precision.
constexpr std::int64_t spare = 4;

/// A vector of the file, whose numbers need not be aligned there.
class Vector {
 public:
  explicit Vector(const void* data) : data_(static_cast<const std::uint8_t*>(data)) {}
  float operator[](std::int64_t i) const {
    float number;
    std::memcpy(&number, data_ + i * std::int64_t(sizeof number), sizeof number);
    return number;
  }

 private:
  const std::uint8_t* data_;
};

struct Neighbour {
  Vector vector;
  std::int64_t list = 0;
  double distance = 0;  ///< squared
};

double squared_distance(const float* frame, Vector vector, std::int64_t dim) {
  double sum = 0;
  for (std::int64_t i = 0; i < dim; ++i) sum += (double(frame[i]) - vector[i]) * (double(frame[i]) - vector[i]);
  return sum;
}

/// Leaves the `count` nearest, nearest first. What is not a number is infinitely far.
void keep_nearest(const float* frame, std::int64_t dim, std::int64_t count, std::vector<Neighbour>& candidates) {
  for (Neighbour& c : candidates) {
    c.distance = squared_distance(frame, c.vector, dim);
    if (std::isnan(c.distance)) c.distance = std::numeric_limits<double>::infinity();
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const Neighbour& a, const Neighbour& b) { return a.distance < b.distance; });
  if (std::int64_t(candidates.size()) > count) candidates.erase(candidates.begin() + count, candidates.end());
}

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

  std::vector<std::vector<Neighbour>> search(const float* frames, std::int64_t count, std::int64_t k) const {
    const std::vector<std::int64_t> lists = nearest_lists(frames, count);
    std::vector<float> distances(std::size_t(count * k));
    std::vector<std::int64_t> places(distances.size());
    const std::vector<float> unused(lists.size());  // distances of the lists, which flat vectors do not need
    constexpr bool by_place = true;                 // (list, place) instead of the vector's number
    faiss::IndexIVFStats counted;                   // else faiss counts in a global one
    index_->search_preassigned(count, frames, k, lists.data(), unused.data(), distances.data(), places.data(), by_place, nullptr, &counted);
    std::vector<std::vector<Neighbour>> found(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < places.size(); ++i)
      if (places[i] >= 0)
        found[i / std::size_t(k)].push_back(
            {vector(faiss::lo_listno(std::uint64_t(places[i])), faiss::lo_offset(std::uint64_t(places[i])))});
    return found;
  }

 private:
  /// [count, probes]
  std::vector<std::int64_t> nearest_lists(const float* frames, std::int64_t count) const {
    const auto probes = std::int64_t(index_->nprobe), asked = std::min(probes + spare, std::int64_t(index_->nlist)),
               dim = std::int64_t(index_->d);
    std::vector<float> distances(std::size_t(count * asked));
    std::vector<std::int64_t> ids(distances.size()), lists;
    centres_.search(count, frames, asked, distances.data(), ids.data());
    for (std::int64_t t = 0; t < count; ++t) {
      std::vector<Neighbour> candidates;
      for (auto id = ids.begin() + t * asked; id != ids.begin() + (t + 1) * asked; ++id)
        candidates.push_back({Vector(centres_.get_xb() + *id * dim), *id});
      keep_nearest(frames + t * dim, dim, probes, candidates);
      for (const Neighbour& c : candidates) lists.push_back(c.list);
    }
    return lists;
  }

  Vector vector(std::uint64_t list, std::uint64_t offset) const {
    return Vector(index_->invlists->get_codes(list) + offset * index_->code_size);
  }

  std::unique_ptr<faiss::IndexIVFFlat> index_;
  FlatCentres centres_;
};

/// Looks at every vector.
class FlatSearch {
 public:
  explicit FlatSearch(std::unique_ptr<faiss::IndexFlat> index) : index_(std::move(index)) {}

  std::vector<std::vector<Neighbour>> search(const float* frames, std::int64_t count, std::int64_t k) const {
    std::vector<float> distances(std::size_t(count * k));
    std::vector<std::int64_t> ids(distances.size());
    index_->search(count, frames, k, distances.data(), ids.data());
    std::vector<std::vector<Neighbour>> found(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (ids[i] >= 0) found[i / std::size_t(k)].push_back({Vector(index_->get_xb() + ids[i] * index_->d)});
    return found;
  }

 private:
  std::unique_ptr<faiss::IndexFlat> index_;
};

/// The weighted mean of the neighbours, nearest first, into `frame`, which stays as it is where there are none.
void blend(const std::vector<Neighbour>& neighbours, std::int64_t dim, float* frame) {
  std::vector<double> sum(std::size_t(dim), 0.0);
  double weights = 0;
  for (const Neighbour& neighbour : neighbours) {
    if (!std::isfinite(neighbour.distance)) continue;
    if (neighbour.distance == 0) {
      for (std::int64_t i = 0; i < dim; ++i) frame[i] = neighbour.vector[i];
      return;
    }
    const double weight = std::pow(neighbours[0].distance / neighbour.distance, 2);  // no overflow however near the nearest is
    weights += weight;
    for (std::int64_t i = 0; i < dim; ++i) sum[std::size_t(i)] += weight * neighbour.vector[i];
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
    auto found = search_.search(frames.data_ptr<float>(), frames.size(0), neighbours_ + spare);
    for (std::int64_t t = 0; t < frames.size(0); ++t) {
      std::vector<Neighbour>& candidates = found[std::size_t(t)];
      keep_nearest(frames.data_ptr<float>() + t * dim_, dim_, neighbours_, candidates);
      blend(candidates, dim_, result.data_ptr<float>() + t * dim_);
    }
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
  [[maybe_unused]] static const int threshold = faiss::distance_compute_blas_threshold =
      std::numeric_limits<int>::max();  // see FlatCentres
  if (!file.inverted_lists)
    return std::make_shared<FaissIndex<FlatSearch>>(FlatSearch(as<faiss::IndexFlat>(read(path), path)), file, options.neighbours);
  return std::make_shared<FaissIndex<ListSearch>>(
      ListSearch(as<faiss::IndexIVFFlat>(read(path), path), options.probes ? options.probes : file.probes), file, options.neighbours);
}

}  // namespace voxconv
