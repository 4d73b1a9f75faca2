#include <algorithm>
#include <set>

#include "core/fail.h"
#include "nn/checkpoint/tensor_binder.h"
#include "nn/checkpoint/torch_files.h"
#include "nn/checkpoint/zip_archive.h"

namespace voxconv::nn {
namespace {

constexpr const char* pickle_name = "data.pkl";

std::string text_of(const ZipArchive::Entry& entry) {
  return {reinterpret_cast<const char*>(entry.data), std::min<std::uint64_t>(entry.size, 64)};
}

const ZipArchive::Entry& checked(const ZipArchive::Entry& entry, const std::string& name) {
  if (crc32(entry.data, entry.size) != entry.crc)
    fail(ErrorCode::bad_model, "The entry {} is damaged: its checksum is wrong. Get the file again.", printable(name));
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
