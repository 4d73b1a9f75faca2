#include <cstring>
#include <map>

#include "core/fail.h"
#include "nn/checkpoint/tensor_binder.h"
#include "nn/checkpoint/torch_files.h"
#include "nn/checkpoint/torch_stream.h"

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

void check_system(const PickleValue& description) {
  const PickleValue* little = description.find("little_endian");
  if (little && !little->integer)
    fail(ErrorCode::bad_model, "The file was written by a big-endian machine; only little-endian files are read.");
}

Pickle read_torch_legacy(const MappedFile& file) {
  TorchStream stream(file.data.get() + sizeof magic, file.size - sizeof magic);
  if (const Pickle protocol = stream.pickle(); protocol.root->integer != known_protocol)
    fail(ErrorCode::bad_model, "The file has protocol {} of torch.save(); {} is read.", protocol.root->integer, known_protocol);
  check_system(*stream.pickle().root);
  Pickle result = stream.pickle();
  const Pickle keys = stream.pickle();
  if (!keys.root->is(Kind::list)) fail(ErrorCode::bad_model, "The file is damaged: it has no list of storages.");

  const auto types = storage_types(*result.tree);
  std::map<std::string, StorageBytes> storages;
  for (const PickleValue* key : keys.root->items) {
    const auto type = types.find(key->text);
    if (type == types.end()) fail(ErrorCode::bad_model, "The file is damaged: nothing uses its storage {}.", describe(*key));
    storages[key->text] = stream.storage(key->text, type->second);
  }
  bind_tensors(*result.tree, file.data, file.size, [&](const std::string& key) -> StorageBytes {
    const auto found = storages.find(key);
    if (found == storages.end()) fail(ErrorCode::bad_model, "The file lacks the numbers of its storage {}.", printable(key));
    return found->second;
  });
  return result;
}

}  // namespace voxconv::nn
