#pragma once
#include <string>
#include <vector>

#include "nn/state_dict.h"

namespace voxconv::nn {

/// Hands out the tensors of a network by name and shape and notes what does not fit, so that one error names all of it. Take every tensor,
/// call finish(), and only then compute with them; or compute meanwhile with what fits().
class TensorReader {
 public:
  /// `source` is named in the error: the file, or what it was. Only names that begin with `prefix` count; take() and ignore() add it.
  TensorReader(const StateDict& tensors, std::string source, std::string prefix = "");

  bool has(const std::string& name) const { return tensors_.count(prefix_ + name) != 0; }
  /// The tensor of this name, its type and device as in the file; one extent of `shape` may be -1: any. What is missing or mis-shaped is
  /// noted, and a placeholder of that shape (zeros that take no memory) is returned.
  torch::Tensor take(const std::string& name, torch::IntArrayRef shape);
  /// The same for a tensor that may be missing: undefined then.
  torch::Tensor take_optional(const std::string& name, torch::IntArrayRef shape);
  /// Whether all tensors that were taken are there and of their shapes.
  bool fits() const { return missing_.empty() && misshaped_.empty(); }
  /// Tensors whose name begins with `start` are no surprise.
  void ignore(const std::string& start);
  /// Gives the memory of all tensors taken so far back to the system, as release_pages() does: for when what is needed of them was copied.
  void release();
  /// Throws Error(bad_model) that names everything missing, mis-shaped or left over.
  void finish() const;

 private:
  const StateDict& tensors_;
  std::string source_, prefix_;
  StateDict rest_;  ///< not taken yet
  std::vector<std::string> missing_, misshaped_;
  std::vector<torch::Tensor> taken_;  ///< since the last release()
};

}  // namespace voxconv::nn
