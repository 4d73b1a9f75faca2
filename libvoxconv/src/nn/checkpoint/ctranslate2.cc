#include "nn/checkpoint/ctranslate2.h"

#include <cstring>
#include <string_view>

#include "core/fail.h"
#include "nn/checkpoint/pickle_value.h"
#include "nn/extents.h"

namespace voxconv::nn {
namespace {

constexpr std::uint32_t known_version = 6;
constexpr std::size_t longest_text = 255, highest_rank = 8;
constexpr std::uint32_t most_tensors = 65536;  // the smallest tensor takes far more memory than it has bytes in the file
constexpr torch::ScalarType types[] = {torch::kFloat, torch::kChar, torch::kShort, torch::kInt, torch::kHalf, torch::kBFloat16};

/// Takes the file apart from its beginning; numbers are little-endian.
class Cursor {
 public:
  explicit Cursor(const MappedFile& file) : data_(file.data.get()), left_(file.size) {}

  std::uint64_t left() const { return left_; }

  const std::uint8_t* bytes(std::uint64_t count) {
    if (count > left_) fail(ErrorCode::bad_model, "The file ends where {} more bytes are expected; is it truncated?", count - left_);
    const std::uint8_t* start = data_;
    data_ += count;
    left_ -= count;
    return start;
  }

  template <typename Number>
  Number number() {
    Number value;
    std::memcpy(&value, bytes(sizeof value), sizeof value);
    return value;
  }

  /// Of tensors or aliases.
  std::uint32_t count() {
    const auto value = number<std::uint32_t>();
    if (value > most_tensors) fail(ErrorCode::bad_model, "The file is refused: it has {} tensors, more than {}.", value, most_tensors);
    return value;
  }

  /// A length, and so many bytes, the last of which is 0.
  std::string name() {
    const auto length = number<std::uint16_t>();
    const std::string_view text(reinterpret_cast<const char*>(bytes(length)), length);
    if (text.empty() || text.find('\0') != text.size() - 1 || length > longest_text + 1)
      fail(ErrorCode::bad_model, "The file is damaged: it has a name that does not end within {} bytes.", longest_text + 1);
    return std::string(text.substr(0, text.size() - 1));
  }

 private:
  const std::uint8_t* data_;
  std::uint64_t left_;
};

torch::Tensor read_tensor(Cursor& cursor, const std::string& name) {
  const auto rank = cursor.number<std::uint8_t>();
  if (rank > highest_rank) fail(ErrorCode::bad_model, "The file is damaged: {} has {} dimensions.", printable(name), rank);
  std::vector<std::int64_t> shape;
  for (int i = 0; i < rank; ++i) shape.push_back(cursor.number<std::uint32_t>());
  const auto type = cursor.number<std::uint8_t>();
  if (type >= std::size(types)) fail(ErrorCode::bad_model, "The file is damaged: {} has the unknown type {}.", printable(name), type);
  const std::uint64_t bytes = cursor.number<std::uint32_t>();
  const std::uint8_t* data = cursor.bytes(bytes);
  std::uint64_t needed = torch::elementSize(types[type]);
  for (const std::int64_t extent : shape) {
    if (extent != 0 && needed > bytes / static_cast<std::uint64_t>(extent)) needed = bytes + 1;
    needed *= static_cast<std::uint64_t>(extent);
  }
  if (!extents_can_be(shape) || needed != bytes)
    fail(ErrorCode::bad_model, "The file is damaged: {} has {} bytes, which do not fit its shape.", printable(name), bytes);
  torch::Tensor tensor = torch::empty(shape, types[type]);  // a copy: names of any length stand between the arrays, so few are aligned
  if (bytes > 0) std::memcpy(tensor.data_ptr(), data, bytes);
  return tensor;
}

void add(StateDict& tensors, const std::string& name, const torch::Tensor& tensor) {
  if (!tensors.emplace(name, tensor).second) fail(ErrorCode::bad_model, "The file is damaged: it has {} twice.", printable(name));
}

}  // namespace

bool is_ctranslate2(const MappedFile& file) {
  constexpr std::string_view end("Spec\0", 5);
  constexpr std::size_t start = sizeof(std::uint32_t) + sizeof(std::uint16_t);
  if (file.size < start) return false;
  Cursor cursor(file);
  const auto version = cursor.number<std::uint32_t>();
  const auto length = cursor.number<std::uint16_t>();
  if (version == 0 || version > 255 || length > longest_text || length > cursor.left()) return false;
  return std::string_view(reinterpret_cast<const char*>(cursor.bytes(length)), length).ends_with(end);
}

Ctranslate2Model read_ctranslate2(const MappedFile& file) {
  Cursor cursor(file);
  if (const auto version = cursor.number<std::uint32_t>(); version != known_version)
    fail(ErrorCode::bad_model, "The file is a CTranslate2 model of version {}; {} is read.", version, known_version);
  Ctranslate2Model model;
  model.metadata["spec"] = cursor.name();
  model.metadata["revision"] = std::to_string(cursor.number<std::uint32_t>());
  for (auto left = cursor.count(); left > 0; --left) {
    const std::string name = cursor.name();
    add(model.tensors, name, read_tensor(cursor, name));
  }
  for (auto left = cursor.count(); left > 0; --left) {
    const std::string alias = cursor.name(), name = cursor.name();
    const auto found = model.tensors.find(name);
    if (found == model.tensors.end())
      fail(ErrorCode::bad_model, "The file is damaged: {} stands for {}, which it lacks.", printable(alias), printable(name));
    add(model.tensors, alias, found->second);
  }
  if (cursor.left() > 0) fail(ErrorCode::bad_model, "The file is damaged: {} bytes follow its end.", cursor.left());
  return model;
}

}  // namespace voxconv::nn
