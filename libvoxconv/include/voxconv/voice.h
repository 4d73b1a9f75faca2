#pragma once
#include <memory>
#include <string>
#include <vector>

#include "voxconv/options.h"

namespace voxconv {

/// What voice.json says; the bundle format is described in docs/voice-bundles.md.
struct VoiceInfo {
  std::string name;   ///< folder name and id: lower-case letters, digits, '-', '_'
  std::string title;  ///< for people
  std::string description;
  std::string language;                           ///< BCP 47
  std::string gender;                             ///< "female", "male", ""
  std::string architecture;                       ///< "native", "rvc"
  int sample_rate = 0;                            ///< Hz
  double f0_low = 0, f0_median = 0, f0_high = 0;  ///< Hz: 5 %, 50 %, 95 % of the training recordings; 0: not known
  std::string licence;
  std::string consent;  ///< who allowed what, in words
  std::string attribution;
  std::string version;  ///< of the voice
  std::string sha256;   ///< of weights.safetensors
  std::string path;     ///< folder, or file of another program, that it was read from
  std::vector<std::string> tags;
};

struct LoadOptions {
  std::string device = "auto";     ///< auto, cpu, cuda, cuda:N
  std::string precision = "auto";  ///< auto, fp32, bf16, fp16
  int threads = 0;                 ///< CPU threads for the whole process; 0: as they are (prepare_process())
  int jobs = 1;                    ///< conversions at the same time; above 1 the threads are divided between them if `threads` is 0
};

/// A loaded voice. Cheap to copy: weights are shared and const. Thread-safe.
class Voice {
 public:
  struct Impl;
  /// A bundle folder, an RVC .pth, or the name of an installed or shipped voice. Throws Error(not_found | bad_model | device).
  static Voice load(const std::string& name_or_path, const LoadOptions& options = {});
  /// For one use: also throws Error(usage) where `use` cannot be or the voice cannot do it, before it asks for weights of the features.
  static Voice load(const std::string& name_or_path, const LoadOptions& options, const ConvertOptions& use);
  const VoiceInfo& info() const;
  explicit Voice(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

struct ImportOptions {
  std::string name;   ///< instead of the voice's own
  std::string title;  ///< for people; only for another program's file, which has none
  std::string index;  ///< a faiss .index that belongs to such a file
};

/// Where voices live: first the user's folder ($VOXCONV_VOICES, else $XDG_DATA_HOME/voxconv/voices), then the shipped ones.
class VoiceStore {
 public:
  VoiceStore();
  explicit VoiceStore(std::string user_dir);
  std::vector<VoiceInfo> list() const;
  VoiceInfo find(const std::string& name_or_path) const;  ///< throws Error(not_found) that names what there is
  /// Copies a bundle (folder, or .zip made by export_voice()) into the user's folder, or makes one there of another program's file (an RVC
  /// .pth, or a .zip with one and its index; docs/checkpoints.md), after verify(). Throws Error.
  VoiceInfo import_voice(const std::string& path, const ImportOptions& options = {});
  VoiceInfo import_bundle(const std::string& path, const std::string& name = "") { return import_voice(path, {.name = name}); }
  /// Packs a bundle into a .zip, or writes a .pth that RVC loads where `path` ends so and the architecture is rvc. Throws Error.
  void export_voice(const std::string& name, const std::string& path) const;
  void export_bundle(const std::string& name, const std::string& zip_path) const { export_voice(name, zip_path); }
  /// Everything that is wrong with a bundle, one sentence each; empty: sound.
  static std::vector<std::string> verify(const std::string& bundle_dir);
  void remove(const std::string& name);  ///< only from the user's folder
  const std::string& user_dir() const { return user_dir_; }

 private:
  std::string user_dir_;
};

}  // namespace voxconv
