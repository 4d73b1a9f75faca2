#include "core/paths.h"

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

}  // namespace

std::string models_dir() {
  if (const std::string dir = environment("VOXCONV_MODELS"); !dir.empty()) return dir;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path installed = program.parent_path().parent_path() / "share/voxconv/models";
  return fs::is_directory(installed) ? installed.string() : VOXCONV_SOURCE_MODELS;
}

std::string model_file(const std::string& relative) {
  const fs::path path = fs::path(models_dir()) / relative;
  if (!fs::exists(path))
    fail(ErrorCode::not_found, "The weights {} are missing; set VOXCONV_MODELS to the models folder of a voxconv checkout or installation.",
         path.string());
  return path.string();
}

std::string user_voices_dir() {
  if (const std::string dir = environment("VOXCONV_VOICES"); !dir.empty()) return dir;
  const std::string data = environment("XDG_DATA_HOME");
  return (data.empty() ? fs::path(environment("HOME")) / ".local/share" : fs::path(data)) / "voxconv/voices";
}

}  // namespace voxconv
