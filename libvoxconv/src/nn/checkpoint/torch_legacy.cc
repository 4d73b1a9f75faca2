#include <cstring>
#include <map>

#include "core/fail.h"
#include "nn/checkpoint/tensor_binder.h"
#include "nn/checkpoint/torch_files.h"

namespace voxconv::nn {
namespace {

using Kind = PickleValue::Kind;

// torch.save()'s magic number 0x1950a86a20f9469cfc6c, pickled.
constexpr std::uint8_t magic[] = {0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
constexpr std::int64_t known_protocol = 1001;

/// The types of the storages in a tree. One storage has one type.
std::map<std::string, torch::ScalarType> storage_types(const PickleTree& tree) {
  std::map<std::string, torch::ScalarType> types;
  for (const PickleValue& value : tree)
    if (value.is(Kind::storage) && types.emplace(value.span.key, value.span.type).first->second != value.span.type)
      fail(ErrorCode::bad_model, "The file is damaged: its storage {} has two types.", printable(value.span.key));
  return types;
}

}  // namespace

bool is_torch_legacy(const MappedFile& file) { return file.size > sizeof magic && std::memcmp(file.data.get(), magic, sizeof magic) == 0; }

bool is_torch_tar(const MappedFile& file) { return file.size > 512 && std::memcmp(file.data.get() + 257, "ustar", 5) == 0; }

Pickle read_torch_legacy(const MappedFile& file) {
  std::uint64_t at = sizeof magic;
  const auto next = [&] {
    Pickle pickle = read_pickle(file.data.get() + at, file.size - at);
    at += pickle.bytes;
    return pickle;
  };
  if (const Pickle protocol = next(); protocol.root->integer != known_protocol)
    fail(ErrorCode::bad_model, "The file has protocol {} of torch.save(); {} is read.", protocol.root->integer, known_protocol);
  if (const Pickle system = next(); system.root->find("little_endian") && !system.root->find("little_endian")->integer)
    fail(ErrorCode::bad_model, "The file was written by a big-endian machine; only little-endian files are read.");
  Pickle result = next();
  const Pickle keys = next();
  if (!keys.root->is(Kind::list)) fail(ErrorCode::bad_model, "The file is damaged: it has no list of storages.");

  const auto types = storage_types(*result.tree);
  std::map<std::string, StorageBytes> storages;
  for (const PickleValue* key : keys.root->items) {
    const auto type = types.find(key->text);
    if (type == types.end()) fail(ErrorCode::bad_model, "The file is damaged: nothing uses its storage {}.", describe(*key));
    std::uint64_t count = 0;
    if (file.size - at < sizeof count) fail(ErrorCode::bad_model, "The file is truncated: it ends before its storage {}.", describe(*key));
    std::memcpy(&count, file.data.get() + at, sizeof count);
    at += sizeof count;
    const std::uint64_t width = torch::elementSize(type->second);
    if (count > (file.size - at) / width)
      fail(ErrorCode::bad_model, "The file is truncated: its storage {} has {} numbers of {} bytes, {} bytes are left.", describe(*key),
           count, width, file.size - at);
    storages[key->text] = {file.data.get() + at, count * width};
    at += count * width;
  }
  bind_tensors(*result.tree, file.data, file.size, [&](const std::string& key, torch::ScalarType) -> StorageBytes {
    const auto found = storages.find(key);
    if (found == storages.end()) fail(ErrorCode::bad_model, "The file lacks the numbers of its storage {}.", printable(key));
    return found->second;
  });
  return result;
}

}  // namespace voxconv::nn
