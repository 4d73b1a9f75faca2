#include <map>

#include "core/fail.h"
#include "nn/checkpoint/pickle_globals.h"
#include "nn/checkpoint/tar_archive.h"
#include "nn/checkpoint/tensor_binder.h"
#include "nn/checkpoint/torch_files.h"
#include "nn/checkpoint/torch_stream.h"

namespace voxconv::nn {
namespace {

using Kind = PickleValue::Kind;

/// What the file keeps outside its pickle, by the number that the pickle knows it by: storages, parts of them ("views") and tensors.
struct Outside {
  std::map<std::string, StorageBytes> storages;  ///< without the parts
  std::map<std::string, PickleValue> objects;

  void add(const std::string& key, PickleValue value) {
    check_storage_key(key);
    if (!objects.emplace(key, std::move(value)).second)
      fail(ErrorCode::bad_model, "The file is damaged: it has two objects {}.", printable(key));
  }
  const StorageSpan& storage(const std::string& key) const {
    const auto found = objects.find(key);
    if (found == objects.end() || !found->second.is(Kind::storage))
      fail(ErrorCode::bad_model, "The file lacks the numbers of its storage {}.", printable(key));
    return found->second.span;
  }
};

TorchStream open(const TarArchive& tar, const std::string& name) {
  const auto found = tar.entries().find(name);
  if (found == tar.entries().end()) fail(ErrorCode::bad_model, "The tar file is no torch checkpoint: it has no entry {}.", name);
  return {found->second.data, found->second.size};
}

/// The parts of a tuple of `count`.
std::vector<const PickleValue*> tuple_of(const PickleValue& value, std::size_t count, const char* what) {
  if (!value.is(Kind::tuple) || value.items.size() != count)
    fail(ErrorCode::bad_model, "The file is damaged: it has {} where {} is expected.", describe(value), what);
  return value.items;
}

std::uint64_t whole(const PickleValue& value, const char* what) {
  if (!value.is(Kind::integer) || value.integer < 0) fail(ErrorCode::bad_model, "The file is damaged: {} is {}.", what, describe(value));
  return static_cast<std::uint64_t>(value.integer);
}

void read_storages(TorchStream stream, Outside& outside) {
  for (std::uint64_t left = whole(*stream.pickle().root, "the number of storages"); left > 0; --left) {
    const Pickle head = stream.pickle();
    const auto parts = tuple_of(*head.root, 3, "(key, place, type) of a storage");
    const auto type = parts[2]->is(Kind::global) ? find_storage_type(parts[2]->text) : std::nullopt;
    if (!type) fail(ErrorCode::bad_model, "The file has numbers of the unknown type {}.", describe(*parts[2]));
    const std::string key = plain_text(*parts[0]);
    const StorageBytes bytes = stream.storage(key, *type);
    PickleValue storage{Kind::storage};
    storage.span = {key, *type, 0, bytes.size / torch::elementSize(*type)};
    outside.add(key, std::move(storage));
    outside.storages[key] = bytes;
  }
  const Pickle views = stream.pickle();
  for (const PickleValue* item : views.root->items) {
    const auto parts = tuple_of(*item, 4, "(key, storage, first, count) of a part of a storage");
    PickleValue view{Kind::storage};
    view.span = outside.storage(plain_text(*parts[1]));
    const std::uint64_t first = whole(*parts[2], "the start of a part of a storage"), count = whole(*parts[3], "the size of a part");
    if (first > view.span.count || count > view.span.count - first)
      fail(ErrorCode::bad_model, "The file is damaged: a part of the storage {} reaches beyond it.", printable(view.span.key));
    view.span.first += first;
    view.span.count = count;
    outside.add(plain_text(*parts[0]), std::move(view));
  }
}

void read_tensors(TorchStream stream, Outside& outside) {
  for (std::uint64_t left = whole(*stream.pickle().root, "the number of tensors"); left > 0; --left) {
    const Pickle head = stream.pickle();
    const auto parts = tuple_of(*head.root, 3, "(key, storage, type) of a tensor");
    PickleValue tensor{Kind::tensor};
    tensor.span = outside.storage(plain_text(*parts[1]));
    const std::uint64_t dimensions = stream.number(4);
    stream.number(4);  // nothing
    if (dimensions > most_dimensions)
      fail(ErrorCode::bad_model, "The file has a tensor of {} dimensions; at most {} are read.", dimensions, most_dimensions);
    for (std::vector<std::int64_t>* extents : {&tensor.size, &tensor.stride})
      for (std::uint64_t d = 0; d < dimensions; ++d) {
        extents->push_back(static_cast<std::int64_t>(stream.number(8)));
        if (extents->back() < 0)
          fail(ErrorCode::bad_model, "The file has a tensor with the size or stride {}; expected none below 0.", extents->back());
      }
    tensor.offset = static_cast<std::int64_t>(stream.number(8));
    outside.add(plain_text(*parts[0]), std::move(tensor));
  }
}

}  // namespace

bool is_torch_tar(const MappedFile& file) { return is_tar(file); }

Pickle read_torch_tar(const MappedFile& file) {
  const TarArchive tar(file);
  if (tar.entries().count("sys_info")) check_system(*open(tar, "sys_info").pickle().root);
  Outside outside;
  read_storages(open(tar, "storages"), outside);
  read_tensors(open(tar, "tensors"), outside);
  Pickle result = open(tar, "pickle").pickle([&](const PickleValue& id) {
    const auto found = outside.objects.find(plain_text(id));
    if (found == outside.objects.end())
      fail(ErrorCode::bad_model, "The file is refused: it asks for the outside object {}; expected a tensor of its own.", describe(id));
    return found->second;
  });
  bind_tensors(*result.tree, file.data, file.size, [&](const std::string& key) { return outside.storages.at(key); });
  return result;
}

}  // namespace voxconv::nn
