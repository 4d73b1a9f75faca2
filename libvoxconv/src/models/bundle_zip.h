#pragma once
#include <string>

namespace voxconv {

/// Whether a file of this name belongs to a bundle: voice.json, weights.safetensors, index.faiss, README.md, LICENSE*, sample.*. Nothing
/// else is packed, unpacked or copied.
bool is_bundle_file(const std::string& name);

/// Packs the files of the bundle in `dir` below a folder `name` into a .zip, atomically. Throws Error(io).
void pack_bundle(const std::string& dir, const std::string& name, const std::string& zip_path);

/// Unpacks a .zip made by pack_bundle() into the existing folder `dir`. Only bundle files are written, whatever path their entries have; an
/// archive with links, far too many entries, or far more data than its size allows is refused. Throws Error(not_found | bad_model | io).
void unpack_bundle(const std::string& zip_path, const std::string& dir);

/// An RVC voice as it is shared: a .zip with a .pth and perhaps its .index, in whatever folders.
struct ZippedVoice {
  std::string checkpoint, index;  ///< where they were unpacked; empty: the archive has none
};

/// Unpacks them into the existing folder `dir`, under the same precautions. Where RVC's useless "trained_" index lies beside the "added_"
/// one, it is left out. Throws Error(not_found | bad_model | io), also if there are several voices.
ZippedVoice unpack_voice_files(const std::string& zip_path, const std::string& dir);

}  // namespace voxconv
