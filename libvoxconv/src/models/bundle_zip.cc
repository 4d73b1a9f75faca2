#include "models/bundle_zip.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>

#include "core/atomic_file.h"
#include "core/fail.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

// A bundle has a handful of files, and weights hardly shrink: anything far beyond is an attack or not a bundle.
constexpr zip_int64_t most_entries = 64;
constexpr std::uint64_t most_bytes = std::uint64_t(4) << 30;
constexpr std::uint64_t most_growth = 50;        ///< unpacked bytes per packed byte ...
constexpr std::uint64_t free_growth = 4u << 20;  ///< ... beyond these, which small text files may need

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using Entry = std::unique_ptr<zip_file_t, Discard>;

Archive open_archive(const std::string& path, int flags, ErrorCode code) {
  int error = 0;
  Archive archive(zip_open(path.c_str(), flags, &error));
  if (archive) return archive;
  zip_error_t description;
  zip_error_init_with_code(&description, error);
  const std::string text = zip_error_strerror(&description);
  zip_error_fini(&description);
  fail(code, "Cannot open the archive {}: {}.", path, text);
}

/// The last part of an entry's path; only that counts, so an entry cannot point outside.
std::string last_part(const std::string& entry) { return entry.substr(entry.find_last_of("/\\") + 1); }

bool is_link(zip_t* archive, zip_uint64_t index) {
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  zip_file_get_external_attributes(archive, index, 0, &system, &attributes);
  return system == ZIP_OPSYS_UNIX && S_ISLNK(attributes >> 16);
}

/// Writes one entry to `target`; `budget` are the bytes that may still be written.
void unpack_entry(zip_t* archive, zip_uint64_t index, const fs::path& target, const std::string& zip_path, std::uint64_t& budget) {
  const Entry entry(zip_fopen_index(archive, index, 0));
  if (!entry) fail(ErrorCode::bad_model, "Cannot read {} in {}: {}.", target.filename().string(), zip_path, zip_strerror(archive));
  std::ofstream out(target, std::ios::binary);
  std::array<char, 1 << 16> block;
  for (zip_int64_t got; (got = zip_fread(entry.get(), block.data(), block.size())) != 0;) {
    if (got < 0)
      fail(ErrorCode::bad_model, "{} in {} is corrupt: {}.", target.filename().string(), zip_path, zip_file_strerror(entry.get()));
    if (std::uint64_t(got) > budget)
      fail(ErrorCode::bad_model, "{} unpacks to far more than a voice bundle of its size can hold; it is not unpacked.", zip_path);
    budget -= std::uint64_t(got);
    out.write(block.data(), got);
  }
  out.close();
  if (!out) fail(ErrorCode::io, "Cannot write {}; is the disk full?", target.string());
}

/// Unpacks every entry for which `target` gives a path.
void unpack(const std::string& zip_path, const std::function<fs::path(const std::string& name)>& target_of) {
  if (!fs::is_regular_file(zip_path)) fail(ErrorCode::not_found, "There is no file {}.", zip_path);
  const Archive archive = open_archive(zip_path, ZIP_RDONLY | ZIP_CHECKCONS, ErrorCode::bad_model);
  const zip_int64_t entries = zip_get_num_entries(archive.get(), 0);
  if (entries > most_entries)
    fail(ErrorCode::bad_model, "{} has {} entries; a voice bundle has at most {}.", zip_path, entries, most_entries);
  std::uint64_t budget = std::min(most_bytes, fs::file_size(zip_path) * most_growth + free_growth);
  for (zip_uint64_t i = 0; i < zip_uint64_t(entries); ++i) {
    const char* entry = zip_get_name(archive.get(), i, 0);
    const std::string name = entry ? last_part(entry) : "";
    const fs::path target = name.empty() ? fs::path() : target_of(name);
    if (target.empty()) continue;
    if (is_link(archive.get(), i)) fail(ErrorCode::bad_model, "{} holds {} as a link, which a voice bundle never does.", zip_path, entry);
    if (fs::exists(target)) fail(ErrorCode::bad_model, "{} holds more than one {}; expected one bundle.", zip_path, name);
    unpack_entry(archive.get(), i, target, zip_path, budget);
  }
}

}  // namespace

bool is_bundle_file(const std::string& name) {
  const auto starts = [&](const char* text) { return name.rfind(text, 0) == 0; };
  if (name.find_first_of("/\\") != std::string::npos) return false;
  return name == "voice.json" || name == "weights.safetensors" || name == "index.faiss" || name == "README.md" || starts("LICENSE") ||
         starts("sample.");
}

void pack_bundle(const std::string& dir, const std::string& name, const std::string& zip_path) {
  AtomicFile file(zip_path);
  Archive archive = open_archive(file.path(), ZIP_CREATE | ZIP_TRUNCATE, ErrorCode::io);
  for (const auto& item : fs::directory_iterator(dir)) {
    const std::string entry = item.path().filename().string();
    if (!item.is_regular_file() || !is_bundle_file(entry)) continue;
    zip_source_t* source = zip_source_file(archive.get(), item.path().c_str(), 0, -1);
    const zip_int64_t index = source ? zip_file_add(archive.get(), (name + "/" + entry).c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
      zip_source_free(source);
      fail(ErrorCode::io, "Cannot pack {}: {}.", item.path().string(), zip_strerror(archive.get()));
    }
    // Weights do not shrink.
    if (item.path().extension() == ".safetensors") zip_set_file_compression(archive.get(), zip_uint64_t(index), ZIP_CM_STORE, 0);
  }
  if (zip_close(archive.get()) != 0) fail(ErrorCode::io, "Cannot write {}: {}.", zip_path, zip_strerror(archive.get()));
  (void)archive.release();  // zip_close() has freed it
  file.commit();
}

void unpack_bundle(const std::string& zip_path, const std::string& dir) {
  unpack(zip_path, [&](const std::string& name) { return is_bundle_file(name) ? fs::path(dir) / name : fs::path(); });
}

ZippedVoice unpack_voice_files(const std::string& zip_path, const std::string& dir) {
  ZippedVoice voice;
  unpack(zip_path, [&](const std::string& name) {
    std::string extension = fs::path(name).extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool is_index = extension == ".index" && !name.starts_with("trained_");
    if (name.starts_with('.') || (extension != ".pth" && !is_index)) return fs::path();
    std::string& slot = is_index ? voice.index : voice.checkpoint;
    if (!slot.empty())
      fail(ErrorCode::bad_model, "{} holds {} and {}; unpack it and import the one you want.", zip_path, fs::path(slot).filename().string(),
           name);
    slot = (fs::path(dir) / name).string();
    return fs::path(slot);
  });
  return voice;
}

}  // namespace voxconv
