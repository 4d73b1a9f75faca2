#pragma once
#include <string>

#include "voxconv/model_catalog.h"

namespace voxconv {

/// Brings one file of `entry` to its place below the user's models folder: see ModelCatalog::get(). One call at a time per file, across
/// processes; the second one finds the work done.
InstalledModelFile install_model_file(const CatalogEntry& entry, const CatalogFile& file, const GetModelOptions& options,
                                      const ProgressFn& on_progress, const CancelToken& cancel);

/// What is wrong with the file at `path`, as a sentence; empty: nothing. Compares with the published checksum, else with the recorded one.
std::string model_file_problem(const CatalogFile& file, const std::string& path);

/// Where the checksum of an installed file without a published one is noted, in the form of sha256sum.
std::string checksum_record(const std::string& path);

/// Whether a file can be of the layout that its name promises (a torch checkpoint or CTranslate2 model, safetensors, JSON, YAML); a
/// sentence about what it is instead, or "". Looks at the first bytes only, so that a page of HTML or a Git LFS pointer is not taken for
/// weights.
std::string layout_problem(const std::string& path, const std::string& name);

}  // namespace voxconv
