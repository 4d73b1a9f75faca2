#pragma once
#include <cstdint>
#include <string>

namespace voxconv {

/// What the head of a faiss index file says, after it was held against the file's size.
struct IndexFile {
  bool inverted_lists = false;  ///< IndexIVFFlat; false: IndexFlat
  std::int64_t dim = 0;
  std::int64_t vectors = 0;
  std::int64_t lists = 1;
  std::int64_t probes = 1;  ///< lists searched unless told otherwise
  std::uint64_t bytes = 0;
};

/// Walks through a file of faiss' format without handing it to faiss, whose reader takes the memory that the file asks for. Accepted are
/// IndexFlat and IndexIVFFlat of squared Euclidean distances, with every size inside the file. Throws Error(not_found | bad_model).
IndexFile check_index_file(const std::string& path);

}  // namespace voxconv
