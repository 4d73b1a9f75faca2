#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>
#include <set>

#include "core/atomic_file.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "core/log.h"
#include "core/paths.h"
#include "models/bundle.h"
#include "models/bundle_zip.h"
#include "models/voice_file.h"
#include "models/voice_model.h"
#include "voxconv/voice.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

void check_voice_name(const std::string& name) {
  if (!is_voice_name(name))
    fail(ErrorCode::usage, "\"{}\" is no name for a voice; use up to 64 lower-case letters, digits, '-' and '_'.", name);
}

fs::path shipped_dir() { return fs::path(models_dir()) / "voices"; }

bool is_bundle(const fs::path& dir) {
  std::error_code ignored;
  return fs::is_regular_file(dir / "voice.json", ignored);
}

/// The bundles directly below `dir`, by folder name; none where there is no such folder.
std::vector<fs::path> bundles_in(const fs::path& dir) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator item(dir, error), end; !error && item != end; item.increment(error))
    if (is_voice_name(item->path().filename().string()) && is_bundle(item->path())) found.push_back(item->path());
  std::sort(found.begin(), found.end());
  return found;
}

/// A temporary folder: removed with everything in it, unless it was renamed to its final place.
class StagingFolder {
 public:
  explicit StagingFolder(const fs::path& parent) {
    static std::atomic<int> counter{0};
    path_ = parent / fmt::format(".import.{}.{}", ::getpid(), counter++);
    make_folder(path_);
  }
  ~StagingFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;

  const fs::path& path() const { return path_; }

  void move_to(const fs::path& target) {
    std::error_code error;
    fs::rename(path_, target, error);
    if (error) fail(ErrorCode::io, "Cannot move the voice to {}: {}.", target.string(), error.message());
  }

 private:
  fs::path path_;
};

/// Copies the bundle's own files, following no links.
void copy_bundle(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (fs::directory_iterator item(from, error), end; !error && item != end; item.increment(error)) {
    const std::string name = item->path().filename().string();
    if (!item->is_regular_file() || item->is_symlink() || !is_bundle_file(name)) continue;
    fs::copy_file(item->path(), to / name, error);
    if (error) break;
  }
  if (error) fail(ErrorCode::io, "Cannot copy the bundle {}: {}.", from.string(), error.message());
}

/// Writes another name into a bundle's voice.json, leaving the rest as it is.
void rename_bundle(const fs::path& dir, const std::string& name) {
  const std::string file = (dir / "voice.json").string();
  auto document = nlohmann::ordered_json::parse(read_file(file));
  document["name"] = name;
  write_file(file, document.dump(2) + "\n");
}

}  // namespace

VoiceStore::VoiceStore() : VoiceStore(user_voices_dir()) {}
VoiceStore::VoiceStore(std::string user_dir) : user_dir_(std::move(user_dir)) {}

std::vector<VoiceInfo> VoiceStore::list() const try {
  std::vector<VoiceInfo> voices;
  std::set<std::string> seen;
  for (const fs::path& dir : {fs::path(user_dir_), shipped_dir()}) {
    for (const fs::path& bundle : bundles_in(dir)) {
      if (seen.count(bundle.filename().string())) continue;  // the user's voice hides a shipped one of its name
      try {
        voices.push_back(read_bundle(bundle.string()).info);
        seen.insert(bundle.filename().string());
      } catch (const Error& e) {
        log_warning("Voice left out: {}", e.what());
      }
    }
  }
  std::sort(voices.begin(), voices.end(), [](const VoiceInfo& a, const VoiceInfo& b) { return a.name < b.name; });
  return voices;
} catch (...) {
  throw_as_error();
}

VoiceInfo VoiceStore::find(const std::string& name_or_path) const try {
  if (is_voice_name(name_or_path)) {
    for (const fs::path& dir : {fs::path(user_dir_), shipped_dir()})
      if (is_bundle(dir / name_or_path)) return read_bundle((dir / name_or_path).string()).info;
  }
  if (is_bundle(name_or_path)) return read_bundle(name_or_path).info;
  if (is_voice_file(name_or_path)) return read_voice_file(name_or_path);
  std::vector<std::string> names;
  for (const VoiceInfo& voice : list()) names.push_back(voice.name);
  fail(ErrorCode::not_found, "There is no voice \"{}\". Voices here: {}. A bundle folder or a .pth can be named by its path.", name_or_path,
       names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
} catch (...) {
  throw_as_error();
}

VoiceInfo VoiceStore::import_voice(const std::string& path, const ImportOptions& options) try {
  if (!options.name.empty()) check_voice_name(options.name);
  StagingFolder staging(user_dir_);
  std::string checkpoint = is_voice_file(path) ? path : "", index = options.index;
  std::optional<StagingFolder> unpacked;
  if (fs::is_directory(path)) {
    copy_bundle(path, staging.path());
  } else if (checkpoint.empty()) {
    unpack_bundle(path, staging.path().string());
    if (!is_bundle(staging.path())) {  // a checkpoint and its index, as users of other programs share them
      unpacked.emplace(user_dir_);
      const ZippedVoice found = unpack_voice_files(path, unpacked->path().string());
      checkpoint = found.checkpoint;
      if (index.empty()) index = found.index;
    }
  }
  if (is_bundle(staging.path()) && !(options.title.empty() && options.index.empty()))
    fail(ErrorCode::usage, "{} is a bundle, which has its own title and index; these options are for checkpoints.", path);
  if (!checkpoint.empty()) voice_file_to_bundle(checkpoint, options.title, index, staging.path().string());
  if (!is_bundle(staging.path())) fail(ErrorCode::bad_model, "{} holds neither a voice.json nor a .pth, so it is no voice.", path);

  const std::string own_name = read_bundle(staging.path().string()).info.name;
  const std::string final_name = options.name.empty() ? own_name : options.name;
  check_voice_name(final_name);
  const fs::path target = fs::path(user_dir_) / final_name;
  if (fs::exists(target))
    fail(ErrorCode::usage, "There is a voice {} in {} already; remove it first or import under another name.", final_name, user_dir_);
  if (const auto problems = verify(staging.path().string()); !problems.empty())
    fail(ErrorCode::bad_model, "{} is not a sound voice: {}", path, problems.front());
  if (final_name != own_name) rename_bundle(staging.path(), final_name);
  staging.move_to(target);
  return read_bundle(target.string()).info;
} catch (...) {
  throw_as_error();
}

void VoiceStore::export_voice(const std::string& name, const std::string& path) const try {
  const VoiceInfo voice = find(name);
  if (is_voice_file(voice.path)) fail(ErrorCode::usage, "{} is no voice bundle yet; import it first.", voice.path);
  if (const auto problems = verify(voice.path); !problems.empty())
    fail(ErrorCode::bad_model, "Voice {} is not sound and is not exported: {}", voice.name, problems.front());
  if (fs::path(path).extension() == ".pth")
    bundle_to_voice_file(voice.path, path);
  else
    pack_bundle(voice.path, voice.name, path);
} catch (...) {
  throw_as_error();
}

std::vector<std::string> VoiceStore::verify(const std::string& bundle_dir) try {
  std::vector<std::string> problems;
  const auto check = [&](const auto& step) {
    try {
      step();
    } catch (const Error& e) {
      problems.emplace_back(e.what());
    }
  };
  const bool is_file = is_voice_file(bundle_dir);
  if (!is_file) check([&] { check_weights(read_bundle(bundle_dir)); });
  // Does it load, too? Not asked where the first answer would only be repeated.
  if (is_file || fs::exists(fs::path(bundle_dir) / "weights.safetensors"))
    check([&] { load_voice_model(bundle_dir, torch::kCPU, torch::kFloat); });
  std::sort(problems.begin(), problems.end());
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
  return problems;
} catch (...) {
  throw_as_error();
}

void VoiceStore::remove(const std::string& name) try {
  check_voice_name(name);
  const fs::path dir = fs::path(user_dir_) / name;
  if (!is_bundle(dir)) {
    if (is_bundle(shipped_dir() / name))
      fail(ErrorCode::usage, "{} is a voice that ships with voxconv; only voices in {} can be removed.", name, user_dir_);
    fail(ErrorCode::not_found, "There is no voice \"{}\" in {}.", name, user_dir_);
  }
  // Renamed first, in one step, so that a half removed voice is never listed.
  StagingFolder trash(user_dir_);
  std::error_code error;
  fs::rename(dir, trash.path() / name, error);
  if (error) fail(ErrorCode::io, "Cannot remove {}: {}.", dir.string(), error.message());
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
