#include "features/retrieval/index_file.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "core/boundary.h"
#include "core/fail.h"
#include "voxconv/retrieval.h"

namespace voxconv {
namespace {

constexpr std::int64_t most_dim = 1 << 14;
constexpr std::int64_t squared_euclidean = 1;  // faiss::METRIC_L2

/// The file as faiss' reader would see it: little-endian numbers one after another, never beyond the end.
class Walk {
 public:
  explicit Walk(const std::string& path) : path_(path), file_(path, std::ios::binary) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error) || !file_)
      fail(ErrorCode::not_found, "The retrieval index {} cannot be read.", path);
    size_ = std::filesystem::file_size(path, error);
    if (error) fail(ErrorCode::not_found, "The retrieval index {} cannot be read.", path);
  }

  std::uint64_t size() const { return size_; }

  template <typename Number>
  Number take(const char* what) {
    Number number{};
    need(sizeof number, what);
    file_.read(reinterpret_cast<char*>(&number), sizeof number);
    if (!file_) fail(ErrorCode::bad_model, "The retrieval index {} cannot be read at byte {}.", path_, at_);
    at_ += sizeof number;
    return number;
  }

  std::string fourcc() {
    const auto letters = take<std::array<char, 4>>("the kind of index");
    return {letters.begin(), letters.end()};
  }

  /// A count of things of `each` bytes that all lie in the rest of the file.
  std::int64_t count(std::uint64_t each, const char* what) {
    const auto number = take<std::uint64_t>(what);
    if (number > (size_ - at_) / each)
      fail(ErrorCode::bad_model, "The retrieval index {} is damaged: it says {} {}, more than its {} bytes can hold.", path_, number, what,
           size_);
    return std::int64_t(number);
  }

  void skip(std::uint64_t bytes, const char* what) {
    need(bytes, what);
    at_ += bytes;
    file_.seekg(std::streamoff(at_));
  }

  [[noreturn]] void damaged(const char* what) const {
    fail(ErrorCode::bad_model, "The retrieval index {} is damaged: {} (near byte {}).", path_, what, at_);
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    fail(ErrorCode::bad_model,
         "The retrieval index {} {}; expected a faiss index of the kind Flat or IVFn,Flat with squared Euclidean distances, as RVC makes "
         "them.",
         path_, what);
  }

 private:
  void need(std::uint64_t bytes, const char* what) {
    if (bytes > size_ - at_)
      fail(ErrorCode::bad_model, "The retrieval index {} ends at byte {}, before the end of {}.", path_, size_, what);
  }

  std::string path_;
  std::ifstream file_;
  std::uint64_t size_ = 0, at_ = 0;
};

void read_header(Walk& walk, IndexFile& index) {
  index.dim = walk.take<std::int32_t>("the header");
  index.vectors = walk.take<std::int64_t>("the header");
  walk.skip(2 * sizeof(std::int64_t), "the header");  // unused
  const auto trained = walk.take<std::uint8_t>("the header");
  const auto metric = walk.take<std::int32_t>("the header");
  if (index.dim < 1 || index.dim > most_dim) walk.unsupported(fmt::format("has vectors of {} numbers", index.dim));
  if (index.vectors < 0 || std::uint64_t(index.vectors) > walk.size() / sizeof(float))
    walk.damaged("more vectors than bytes, or a negative number of them");
  if (trained > 1) walk.damaged("a flag that is neither true nor false");
  if (metric != squared_euclidean) walk.unsupported(fmt::format("has the metric {}", metric));
}

bool is_flat(const std::string& kind) { return kind == "IxF2" || kind == "IxFI" || kind == "IxFl"; }

/// The rest of a Flat index after its fourcc.
void read_flat(Walk& walk, IndexFile& index) {
  read_header(walk, index);
  const std::int64_t numbers = walk.count(sizeof(float), "numbers");
  if (numbers % index.dim || numbers / index.dim != index.vectors) walk.damaged("the vectors are not as many as the header says");
  walk.skip(std::uint64_t(numbers) * sizeof(float), "the vectors");
}

/// Sizes of the inverted lists: all of them, or pairs of (list, size).
std::vector<std::int64_t> read_list_sizes(Walk& walk, std::int64_t lists) {
  const std::string form = walk.fourcc();
  const std::int64_t numbers = walk.count(sizeof(std::uint64_t), "list sizes");
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(lists));
  if (form == "full") {
    if (numbers != lists) walk.damaged("the sizes of the lists are not as many as the lists");
    for (std::int64_t& size : sizes) size = walk.take<std::int64_t>("the sizes of the lists");
  } else if (form == "sprs") {
    if (numbers % 2) walk.damaged("the sizes of the lists are not pairs");
    for (std::int64_t i = 0; i < numbers / 2; ++i) {
      const auto list = walk.take<std::uint64_t>("the sizes of the lists");
      if (list >= std::uint64_t(lists)) walk.damaged("a list that is not there");
      sizes[list] = walk.take<std::int64_t>("the sizes of the lists");
    }
  } else {
    walk.unsupported(fmt::format("has lists of the form \"{}\"", form));
  }
  return sizes;
}

/// The rest of an IVFn,Flat index after its fourcc.
void read_inverted(Walk& walk, IndexFile& index) {
  read_header(walk, index);
  index.inverted_lists = true;
  const std::int64_t vector_bytes = index.dim * std::int64_t(sizeof(float));
  index.lists = walk.count(std::uint64_t(vector_bytes), "lists");
  index.probes = walk.take<std::int64_t>("the header");
  if (index.lists < 1) walk.damaged("no lists");
  IndexFile centres;
  if (const std::string kind = walk.fourcc(); !is_flat(kind)) walk.unsupported(fmt::format("has list centres of the kind \"{}\"", kind));
  read_flat(walk, centres);
  if (centres.dim != index.dim || centres.vectors != index.lists) walk.damaged("the centres do not belong to the lists");
  const auto map = walk.take<std::uint8_t>("the direct map");
  if (map > 1) walk.unsupported("has a direct map of an unknown kind");
  walk.skip(std::uint64_t(walk.count(sizeof(std::int64_t), "numbers of a direct map")) * sizeof(std::int64_t), "the direct map");
  if (const std::string kind = walk.fourcc(); kind != "ilar") walk.unsupported(fmt::format("has lists of the kind \"{}\"", kind));
  if (walk.take<std::int64_t>("the lists") != index.lists || walk.take<std::int64_t>("the lists") != vector_bytes)
    walk.damaged("the lists do not fit the header");
  std::int64_t sum = 0;
  for (const std::int64_t size : read_list_sizes(walk, index.lists)) {
    if (size < 0 || size > index.vectors - sum) walk.damaged("the lists hold other than the header's number of vectors");
    walk.skip(std::uint64_t(size) * std::uint64_t(vector_bytes + std::int64_t(sizeof(std::int64_t))), "the lists");
    sum += size;
  }
  if (sum != index.vectors) walk.damaged("the lists hold other than the header's number of vectors");
}

}  // namespace

IndexFile check_index_file(const std::string& path) {
  Walk walk(path);
  IndexFile index;
  index.bytes = walk.size();
  const std::string kind = walk.fourcc();
  if (is_flat(kind))
    read_flat(walk, index);
  else if (kind == "IwFl")
    read_inverted(walk, index);
  else
    walk.unsupported("is no faiss index, or one of another kind");
  return index;
}

RetrievalInfo inspect_retrieval_index(const std::string& path) try {
  const IndexFile file = check_index_file(path);
  return {path, file.inverted_lists, file.dim, file.vectors, file.lists, file.probes, file.bytes};
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
