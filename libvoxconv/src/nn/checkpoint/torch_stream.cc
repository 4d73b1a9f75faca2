#include "nn/checkpoint/torch_stream.h"

#include "core/fail.h"

namespace voxconv::nn {

Pickle TorchStream::pickle(const OutsideObject& outside) {
  Pickle pickle = read_pickle(data_ + at_, size_ - at_, outside);
  at_ += pickle.bytes;
  return pickle;
}

std::uint64_t TorchStream::number(int bytes) {
  const auto count = static_cast<std::uint64_t>(bytes);
  if (count > size_ - at_)
    fail(ErrorCode::bad_model, "The file is truncated: a number of {} bytes is needed, {} are left.", count, size_ - at_);
  std::uint64_t value = 0;
  for (std::uint64_t i = count; i-- > 0;) value = value << 8 | data_[at_ + i];
  at_ += count;
  return value;
}

StorageBytes TorchStream::storage(const std::string& key, torch::ScalarType type) {
  const std::uint64_t count = number(8), width = torch::elementSize(type);
  if (count > (size_ - at_) / width)
    fail(ErrorCode::bad_model, "The file is truncated: its storage {} has {} numbers of {} bytes, {} bytes are left.", printable(key),
         count, width, size_ - at_);
  const StorageBytes bytes{data_ + at_, count * width};
  at_ += count * width;
  return bytes;
}

}  // namespace voxconv::nn
