#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/state_dict.h"
#include "nn/torch.h"

namespace voxconv::nn {

/// A .safetensors file (https://github.com/huggingface/safetensors), memory-mapped and checked: every offset lies inside the file, fits
/// its shape and dtype, and nothing overlaps. Throws Error(not_found | bad_model).
class Safetensors {
 public:
  explicit Safetensors(const std::string& path);

  const std::string& path() const { return path_; }
  bool has(const std::string& name) const { return entries_.count(name) != 0; }
  std::vector<std::string> names() const;
  /// A view into the mapped file (it stays mapped as long as any view lives); clone() before writing to it. Throws Error(bad_model).
  torch::Tensor get(const std::string& name) const;
  StateDict tensors() const;  ///< all of them, views as well
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  struct Entry {
    torch::ScalarType type;
    std::vector<std::int64_t> shape;
    std::uint64_t begin, end;
  };
  std::string path_;
  std::shared_ptr<const std::uint8_t> data_;  // the whole mapping; its deleter unmaps
  std::uint64_t payload_ = 0;                 // where the tensors start
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

/// The format's name of a tensor's type: F32, F16, BF16 ...; LibTorch's own where it has none.
std::string type_name(torch::ScalarType type);

/// Writes atomically; tensors are made contiguous and moved to the CPU. Throws Error(io).
void save_safetensors(const std::string& path, const std::map<std::string, torch::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace voxconv::nn
