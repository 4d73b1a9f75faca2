#include "voxconv/model_catalog.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/boundary.h"
#include "core/caller.h"
#include "core/download.h"
#include "core/fail.h"
#include "core/model_install.h"
#include "core/paths.h"

namespace voxconv {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr int format_version = 1;

bool is_made_of(const std::string& text, const char* characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string::npos;
}

/// A file may lie only where its path says, below the models folder.
bool is_safe(const std::string& path) {
  const fs::path parts(path);
  return is_made_of(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") && parts.is_relative() &&
         std::all_of(parts.begin(), parts.end(), [](const fs::path& part) { return !part.empty() && part.native().front() != '.'; });
}

CatalogFile read_catalog_file(const json& value) {
  CatalogFile file{value.at("path"), value.at("urls"), value.value("bytes", std::int64_t{0}), value.value("sha256", "")};
  if (!is_safe(file.path)) fail(ErrorCode::bad_model, "the path \"{}\" leads out of the models folder", file.path);
  if (file.bytes < 0) fail(ErrorCode::bad_model, "{} has {} bytes", file.path, file.bytes);
  if (!file.sha256.empty() && (file.sha256.size() != 64 || !is_made_of(file.sha256, "0123456789abcdef")))
    fail(ErrorCode::bad_model, "the sha256 of {} is not 64 lower-case hex digits", file.path);
  if (file.urls.empty()) fail(ErrorCode::bad_model, "{} has no URL", file.path);
  for (const std::string& url : file.urls)
    if (!may_download_from(url)) fail(ErrorCode::bad_model, "{} is neither https nor on this machine", url);
  return file;
}

CatalogEntry read_entry(const json& value) {
  CatalogEntry entry{value.at("name"),
                     value.at("kind"),
                     value.value("title", ""),
                     value.value("source", ""),
                     value.value("licence", "unknown"),
                     value.value("licence_note", ""),
                     {}};
  if (!is_made_of(entry.name, "abcdefghijklmnopqrstuvwxyz0123456789-_."))
    fail(ErrorCode::bad_model, "the name \"{}\" is not of lower-case letters, digits, '-', '_' and '.'", entry.name);
  for (const json& file : value.at("files")) entry.files.push_back(read_catalog_file(file));
  if (entry.files.empty()) fail(ErrorCode::bad_model, "{} has no files", entry.name);
  return entry;
}

std::vector<CatalogEntry> read_catalog(const std::string& path) {
  const std::string text = read_file(path);
  try {
    const json document = json::parse(text);
    if (const int version = document.at("format_version"); version != format_version)
      fail(ErrorCode::bad_model, "its format_version is {}, this voxconv reads {}", version, format_version);
    std::vector<CatalogEntry> entries;
    for (const json& value : document.at("models")) {
      entries.push_back(read_entry(value));
      if (std::count_if(entries.begin(), entries.end(), [&](const CatalogEntry& e) { return e.name == entries.back().name; }) > 1)
        fail(ErrorCode::bad_model, "{} is there twice", entries.back().name);
    }
    return entries;
  } catch (const std::exception& e) {
    fail(ErrorCode::bad_model, "The model catalog {} cannot be used: {}.", path, e.what());
  }
}

std::string default_catalog() {
  if (const char* file = std::getenv("VOXCONV_CATALOG"); file != nullptr && *file != '\0') return file;
  return (fs::path(models_dir()) / "catalog.json").string();
}

}  // namespace

bool CatalogEntry::checksums_published() const {
  return std::all_of(files.begin(), files.end(), [](const CatalogFile& file) { return !file.sha256.empty(); });
}

std::int64_t CatalogEntry::bytes() const {
  std::int64_t sum = 0;
  for (const CatalogFile& file : files) {
    if (file.bytes == 0) return 0;
    sum += file.bytes;
  }
  return sum;
}

ModelCatalog::ModelCatalog(const std::string& file) : entries_(read_catalog(file.empty() ? default_catalog() : file)) {}

const CatalogEntry& ModelCatalog::find(const std::string& name) const {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : entries_) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  fail(ErrorCode::not_found, "There is no model \"{}\" in the catalog; it has {}.", name, fmt::join(names, ", "));
}

ModelState ModelCatalog::state(const CatalogEntry& entry) const try {
  const auto here =
      std::count_if(entry.files.begin(), entry.files.end(), [](const CatalogFile& file) { return find_model_file(file.path).has_value(); });
  if (here == static_cast<std::ptrdiff_t>(entry.files.size())) return ModelState::installed;
  const bool begun = std::any_of(entry.files.begin(), entry.files.end(), [](const CatalogFile& file) {
    std::error_code none;
    return fs::exists(fs::path(user_models_dir()) / (file.path + ".part"), none);
  });
  return here > 0 || begun ? ModelState::partial : ModelState::missing;
} catch (...) {
  throw_as_error();
}

std::string ModelCatalog::path(const std::string& name) const try {
  const CatalogEntry& entry = find(name);
  if (state(entry) != ModelState::installed)
    fail(ErrorCode::not_found, "{} is not installed; \"voxconv models get {}\" fetches it.", name, name);
  const fs::path first = *find_model_file(entry.files.front().path);
  return entry.files.size() == 1 ? first.string() : first.parent_path().string();
} catch (...) {
  throw_as_error();
}

std::vector<InstalledModelFile> ModelCatalog::get(const std::string& name, const GetModelOptions& options, const ProgressFn& progress,
                                                  const CancelToken& cancel) const try {
  const ProgressFn on_progress = progress ? of_caller(progress) : [](const Progress&) {};
  const CatalogEntry& entry = find(name);
  std::vector<InstalledModelFile> installed;
  for (const CatalogFile& file : entry.files) installed.push_back(install_model_file(entry, file, options, on_progress, cancel));
  return installed;
} catch (...) {
  throw_as_error();
}

std::vector<std::string> ModelCatalog::verify(const std::string& name, const CancelToken& cancel) const try {
  std::vector<std::string> problems;
  for (const CatalogFile& file : find(name).files) {
    cancel.check();
    const std::string path = find_model_file(file.path).value_or((fs::path(user_models_dir()) / file.path).string());
    if (const std::string problem = model_file_problem(file, path); !problem.empty()) problems.push_back(problem);
  }
  return problems;
} catch (...) {
  throw_as_error();
}

void ModelCatalog::remove(const std::string& name) const try {
  bool found = false;
  for (const CatalogFile& file : find(name).files) {
    const std::string path = (fs::path(user_models_dir()) / file.path).string();
    for (const std::string& part : {path, checksum_record(path), path + ".part", path + ".part.origin"}) {
      std::error_code error;
      found = fs::remove(part, error) || found;
      if (error) fail(ErrorCode::io, "Cannot remove {}: {}.", part, error.message());
    }
    std::error_code not_empty;
    fs::remove(fs::path(path).parent_path(), not_empty);
  }
  if (!found) fail(ErrorCode::not_found, "{} is not among the models in {}.", name, user_models_dir());
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
