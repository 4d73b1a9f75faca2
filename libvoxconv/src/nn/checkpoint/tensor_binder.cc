#include "nn/checkpoint/tensor_binder.h"

#include <cstring>
#include <map>

#include "core/fail.h"
#include "nn/extents.h"

namespace voxconv::nn {
namespace {

constexpr std::uint64_t most_sharing = 8;  ///< times the file's size that all tensors together may name

[[noreturn]] void refuse(const PickleValue& tensor, const char* what) {
  fail(ErrorCode::bad_model, "The file is damaged: a tensor of {} dimensions in storage {} {}.", tensor.size.size(),
       printable(tensor.span.key), what);
}

/// Numbers in the tensor, checked: it lies inside its span, and names no more numbers than that has (a broadcast one could name any
/// number).
std::uint64_t checked_count(const PickleValue& tensor) {
  if (tensor.offset < 0) refuse(tensor, "has a negative offset");
  std::uint64_t count = 1, last = static_cast<std::uint64_t>(tensor.offset);
  bool is_empty = false;
  for (const std::int64_t extent : tensor.size) is_empty = is_empty || extent == 0;
  if (is_empty) {
    if (!extents_can_be(tensor.size)) refuse(tensor, "is empty and yet too large");
    return 0;
  }
  for (std::size_t d = 0; d < tensor.size.size(); ++d) {
    const auto extent = static_cast<std::uint64_t>(tensor.size[d]), stride = static_cast<std::uint64_t>(tensor.stride[d]);
    if (extent > tensor.span.count / count) refuse(tensor, "has more numbers than its storage");
    count *= extent;
    if (extent > 1 && stride > tensor.span.count / (extent - 1)) refuse(tensor, "reaches beyond its storage");
    last += (extent - 1) * stride;
    if (last >= tensor.span.count) refuse(tensor, "reaches beyond its storage");
  }
  if (last >= tensor.span.count) refuse(tensor, "reaches beyond its storage");
  return count;
}

class Binder {
 public:
  Binder(const std::shared_ptr<const std::uint8_t>& file, std::uint64_t file_bytes,
         const std::function<StorageBytes(const std::string&)>& find)
      : file_(file), find_(find), bytes_left_(file_bytes * most_sharing) {}

  void bind(PickleValue& value) {
    const StorageBytes storage = find_(value.span.key);
    const std::uint64_t width = torch::elementSize(value.span.type), available = storage.size / width;
    if (value.span.first > available || value.span.count > available - value.span.first)
      refuse(value, "asks for more than its storage holds; is the file truncated?");
    const std::uint64_t count = checked_count(value);
    if (count > bytes_left_ / width) fail(ErrorCode::bad_model, "The file is refused: its tensors share the same numbers too many times.");
    bytes_left_ -= count * width;
    if (count == 0) {
      value.tensor = torch::empty(value.size, value.span.type);
      return;
    }
    const std::uint64_t start = (value.span.first + static_cast<std::uint64_t>(value.offset)) * width;
    const bool aligned = reinterpret_cast<std::uintptr_t>(storage.data) % width == 0;
    const torch::Tensor copy = aligned ? torch::Tensor() : aligned_copy(value.span.key, storage);
    auto* data = const_cast<std::uint8_t*>((aligned ? storage.data : copy.const_data_ptr<std::uint8_t>()) + start);
    const auto options = torch::TensorOptions().dtype(value.span.type);
    value.tensor = torch::from_blob(
        data, value.size, value.stride, [keep = file_, copy](void*) {}, options);
  }

 private:
  /// Some writers do not align storages; one copy serves all tensors of it.
  torch::Tensor aligned_copy(const std::string& key, const StorageBytes& storage) {
    torch::Tensor& copy = copies_[key];
    if (!copy.defined()) {
      copy = torch::empty({static_cast<std::int64_t>(storage.size)}, torch::kByte);
      std::memcpy(copy.data_ptr(), storage.data, storage.size);
    }
    return copy;
  }

  const std::shared_ptr<const std::uint8_t>& file_;
  const std::function<StorageBytes(const std::string&)>& find_;
  std::uint64_t bytes_left_;
  std::map<std::string, torch::Tensor> copies_;
};

}  // namespace

void bind_tensors(PickleTree& tree, const std::shared_ptr<const std::uint8_t>& file, std::uint64_t file_bytes,
                  const std::function<StorageBytes(const std::string& key)>& find) {
  Binder binder(file, file_bytes, find);
  for (PickleValue& value : tree)
    if (value.is(PickleValue::Kind::tensor) && !value.tensor.defined()) binder.bind(value);
}

}  // namespace voxconv::nn
