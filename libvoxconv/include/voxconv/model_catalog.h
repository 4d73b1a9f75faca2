#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "voxconv/progress.h"

namespace voxconv {

/// One file of a model of the catalog.
struct CatalogFile {
  std::string path;               ///< below the user's models folder, e.g. "content/contentvec/hubert_base.pt"
  std::vector<std::string> urls;  ///< tried in this order
  std::int64_t bytes = 0;         ///< 0: not known
  std::string sha256;             ///< 64 lower-case hex digits; empty: none is published
};

/// Weights that do not ship with voxconv and can be had by name (docs/models-catalog.md).
struct CatalogEntry {
  std::string name;          ///< "contentvec"
  std::string kind;          ///< "content encoder", "f0 estimator", "separator" or "speech recogniser"
  std::string title;         ///< for people
  std::string source;        ///< the project that made the weights
  std::string licence;       ///< SPDX; "unknown" where no project states one
  std::string licence_note;  ///< who states it, of what
  std::vector<CatalogFile> files;

  bool checksums_published() const;
  std::int64_t bytes() const;  ///< of all files; 0 if that of any is not known
};

enum class ModelState { missing, partial, installed };

struct GetModelOptions {
  std::string from;  ///< a file, or a folder with the entry's files, fetched by other means; empty: download
  bool force = false;
  bool require_checksum = false;  ///< refuse what has no published checksum
  int stall_s = 30;               ///< a server that sends nothing for so long is given up
};

/// What get() did for one file.
struct InstalledModelFile {
  std::string path;
  std::int64_t bytes = 0;
  std::string sha256;
  bool published = false;  ///< the catalog has the checksum; else this one was recorded, and verify() compares with it
  bool fetched = false;    ///< false: it was there, and sound
};

/// The models that can be had by name, and those of them that are here. Proxies are taken from the environment (https_proxy, no_proxy).
class ModelCatalog {
 public:
  /// Reads `file`; if empty, $VOXCONV_CATALOG, else catalog.json of the models folder. Throws Error(not_found | bad_model).
  explicit ModelCatalog(const std::string& file = "");

  const std::vector<CatalogEntry>& entries() const { return entries_; }
  const CatalogEntry& find(const std::string& name) const;  ///< throws Error(not_found) that names what there is
  ModelState state(const CatalogEntry& entry) const;
  /// The file of an installed model, or the folder of its files. Throws Error(not_found) that says how to get it.
  std::string path(const std::string& name) const;

  /// Downloads, or copies from options.from, what is missing or damaged; what broke off goes on where it stopped. Every file appears whole,
  /// with the published checksum, or not at all. Progress is in MB per file. Throws Error(not_found | network | bad_model | io |
  /// cancelled).
  std::vector<InstalledModelFile> get(const std::string& name, const GetModelOptions& options, const ProgressFn& on_progress,
                                      const CancelToken& cancel) const;
  /// Everything that is wrong with an installed model, one sentence each; empty: sound.
  std::vector<std::string> verify(const std::string& name, const CancelToken& cancel) const;
  /// Removes its files from the user's models folder, partial ones too. Throws Error(not_found | io).
  void remove(const std::string& name) const;

 private:
  std::vector<CatalogEntry> entries_;
};

}  // namespace voxconv
