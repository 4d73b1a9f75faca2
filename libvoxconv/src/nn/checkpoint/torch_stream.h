#pragma once
#include <cstdint>
#include <string>

#include "nn/checkpoint/pickle_machine.h"
#include "nn/checkpoint/tensor_binder.h"

namespace voxconv::nn {

/// What PyTorch before 1.6 wrote: pickles one after the other, and raw numbers between them. Throws Error(bad_model) where they end early.
class TorchStream {
 public:
  TorchStream(const std::uint8_t* data, std::uint64_t size) : data_(data), size_(size) {}

  Pickle pickle(const OutsideObject& outside = storage_object);
  std::uint64_t number(int bytes);  ///< little-endian
  /// The numbers of the storage `key`, behind their count.
  StorageBytes storage(const std::string& key, torch::ScalarType type);

 private:
  const std::uint8_t* data_;
  std::uint64_t size_, at_ = 0;
};

}  // namespace voxconv::nn
