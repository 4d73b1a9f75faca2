#include "nn/checkpoint/torch_reader.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <set>

#include "core/fail.h"
#include "nn/checkpoint/zip_archive.h"
#include "nn/extents.h"

namespace voxconv::nn {
namespace {

using Kind = PickleValue::Kind;

// Tensors of either format.

/// The bytes of a storage of a file.
struct StorageBytes {
  const std::uint8_t* data = nullptr;
  std::uint64_t size = 0;
};

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
      std::copy_n(storage.data, storage.size, copy.data_ptr<std::uint8_t>());
    }
    return copy;
  }

  const std::shared_ptr<const std::uint8_t>& file_;
  const std::function<StorageBytes(const std::string&)>& find_;
  std::uint64_t bytes_left_;
  std::map<std::string, torch::Tensor> copies_;
};

/// Gives every tensor of `tree` its numbers: views into `file` (which they keep alive) where they are aligned, else copies. `find` gives
/// the bytes of a storage. Every size, offset and stride is checked against its storage first, and all tensors together may not name far
/// more numbers than the file of `file_bytes` has. Throws Error(bad_model).
void bind_tensors(PickleTree& tree, const std::shared_ptr<const std::uint8_t>& file, std::uint64_t file_bytes,
                  const std::function<StorageBytes(const std::string& key)>& find) {
  Binder binder(file, file_bytes, find);
  for (PickleValue& value : tree)
    if (value.is(PickleValue::Kind::tensor) && !value.tensor.defined()) binder.bind(value);
}

// The legacy format.

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

/// Throws Error(bad_model) where the file's description of the machine that wrote it says that its numbers are of big-endian order.
void check_system(const PickleValue& description) {
  const PickleValue* little = description.find("little_endian");
  if (little && !little->integer)
    fail(ErrorCode::bad_model, "The file was written by a big-endian machine; only little-endian files are read.");
}

/// What PyTorch before 1.6 wrote: pickles one after the other, and raw numbers between them. Throws Error(bad_model) where they end early.
class LegacyStream {
 public:
  LegacyStream(const std::uint8_t* data, std::uint64_t size) : data_(data), size_(size) {}

  Pickle pickle();
  std::uint64_t number(int bytes);  ///< little-endian
  /// The numbers of the storage `key`, behind their count.
  StorageBytes storage(const std::string& key, torch::ScalarType type);

 private:
  const std::uint8_t* data_;
  std::uint64_t size_, at_ = 0;
};

Pickle LegacyStream::pickle() {
  Pickle pickle = read_pickle(data_ + at_, size_ - at_);
  at_ += pickle.bytes;
  return pickle;
}

std::uint64_t LegacyStream::number(int bytes) {
  const auto count = static_cast<std::uint64_t>(bytes);
  if (count > size_ - at_)
    fail(ErrorCode::bad_model, "The file is truncated: a number of {} bytes is needed, {} are left.", count, size_ - at_);
  std::uint64_t value = 0;
  for (std::uint64_t i = count; i-- > 0;) value = value << 8 | data_[at_ + i];
  at_ += count;
  return value;
}

StorageBytes LegacyStream::storage(const std::string& key, torch::ScalarType type) {
  const std::uint64_t count = number(8), width = torch::elementSize(type);
  if (count > (size_ - at_) / width)
    fail(ErrorCode::bad_model, "The file is truncated: its storage {} has {} numbers of {} bytes, {} bytes are left.", printable(key),
         count, width, size_ - at_);
  const StorageBytes bytes{data_ + at_, count * width};
  at_ += count * width;
  return bytes;
}

// The zip format.

constexpr const char* pickle_name = "data.pkl";

std::string text_of(const ZipArchive::Entry& entry) {
  return {reinterpret_cast<const char*>(entry.data), std::min<std::uint64_t>(entry.size, 64)};
}

const ZipArchive::Entry& checked(const ZipArchive::Entry& entry, const std::string& name) {
  if (zip_checksum(entry.data, entry.size) != entry.crc)
    fail(ErrorCode::bad_model, "The entry {} is damaged: its checksum is wrong. Get the file again.", printable(name));
  release_pages(entry.data, entry.size);  // it may be long until it is read again
  return entry;
}

/// The folder of the archive that everything lies in, with its slash.
std::string folder_of(const ZipArchive& zip) {
  std::string folder;
  bool found = false;
  for (const auto& [name, entry] : zip.entries()) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || name.substr(slash + 1) != pickle_name) continue;
    if (found) fail(ErrorCode::bad_model, "The zip file has more than one {}.", pickle_name);
    found = true;
    folder = name.substr(0, slash + 1);
  }
  if (!found) fail(ErrorCode::bad_model, "The zip file is no torch checkpoint: it has no {}.", pickle_name);
  return folder;
}

}  // namespace

bool is_torch_legacy(const MappedFile& file) { return file.size > sizeof magic && std::memcmp(file.data.get(), magic, sizeof magic) == 0; }

Pickle read_torch_legacy(const MappedFile& file) {
  LegacyStream stream(file.data.get() + sizeof magic, file.size - sizeof magic);
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

bool is_torch_zip(const MappedFile& file) { return file.size >= 4 && std::equal(file.data.get(), file.data.get() + 4, "PK\3\4"); }

Pickle read_torch_zip(const MappedFile& file) {
  const ZipArchive zip(file);
  const auto& entries = zip.entries();
  const std::string folder = folder_of(zip);
  if (entries.count(folder + "constants.pkl"))
    fail(ErrorCode::bad_model, "The file is a TorchScript program, not a checkpoint; programs are not run.");
  if (const auto order = entries.find(folder + "byteorder"); order != entries.end() && text_of(order->second) != "little")
    fail(ErrorCode::bad_model, "The file was written by a big-endian machine (byte order \"{}\"); only little-endian files are read.",
         printable(text_of(order->second)));

  const ZipArchive::Entry& pickle = checked(entries.at(folder + pickle_name), pickle_name);
  Pickle result = read_pickle(pickle.data, pickle.size);
  std::set<std::string> sums;  // of the storages that were compared
  bind_tensors(*result.tree, zip.bytes().data, zip.bytes().size, [&](const std::string& key) -> StorageBytes {
    const auto found = entries.find(folder + "data/" + key);
    if (found == entries.end()) fail(ErrorCode::bad_model, "The file lacks the numbers of its storage {}.", printable(key));
    if (sums.insert(key).second) checked(found->second, found->first);
    return {found->second.data, found->second.size};
  });
  return result;
}

}  // namespace voxconv::nn
