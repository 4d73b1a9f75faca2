#include "core/paths.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "core/fail.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

fs::path user_data_dir() {
  const std::string data = environment("XDG_DATA_HOME");
  return (data.empty() ? fs::path(environment("HOME")) / ".local/share" : fs::path(data)) / "voxconv";
}

}  // namespace

std::string models_dir() {
  if (const std::string dir = environment("VOXCONV_MODELS"); !dir.empty()) return dir;
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&models_dir), &self) != 0 && self.dli_fname != nullptr) {
    std::error_code ignored;
    fs::path prefix = fs::canonical(self.dli_fname, ignored).parent_path();
    for (int up = 0; up < 2; ++up) {  // <prefix>/lib/libvoxconv.so, or <prefix>/lib/<architecture>/libvoxconv.so
      prefix = prefix.parent_path();
      if (const fs::path installed = prefix / "share/voxconv/models"; fs::is_directory(installed, ignored)) return installed.string();
    }
  }
  return VOXCONV_SOURCE_MODELS;
}

std::optional<std::string> find_model_file(const std::string& relative) {
  for (const std::string& folder : {models_dir(), user_models_dir()}) {
    const fs::path path = fs::path(folder) / relative;
    if (std::error_code none; fs::exists(path, none)) return path.string();
  }
  return std::nullopt;
}

std::string model_file(const std::string& relative) {
  const std::optional<std::string> path = find_model_file(relative);
  if (!path)
    fail(ErrorCode::not_found, "The weights {} are missing; set VOXCONV_MODELS to the models folder of a voxconv checkout or installation.",
         (fs::path(models_dir()) / relative).string());
  return *path;
}

std::string user_models_dir() { return (user_data_dir() / "models").string(); }

std::string user_voices_dir() {
  if (const std::string dir = environment("VOXCONV_VOICES"); !dir.empty()) return dir;
  return (user_data_dir() / "voices").string();
}

}  // namespace voxconv
