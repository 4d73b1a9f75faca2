#include "core/model_install.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/atomic_file.h"
#include "core/download.h"
#include "core/fail.h"
#include "core/file_lock.h"
#include "core/paths.h"
#include "core/sha256.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

std::string base_name(const CatalogFile& file) { return fs::path(file.path).filename().string(); }

/// The checksum that an installed file has to have; empty: none is known.
std::string wanted_checksum(const CatalogFile& file, const std::string& path) {
  if (!file.sha256.empty()) return file.sha256;
  std::string recorded;
  std::ifstream(checksum_record(path)) >> recorded;
  return recorded;
}

/// The URLs of a file, with those of $VOXCONV_MODEL_MIRROR before them, which stands in for https://huggingface.co.
std::vector<std::string> urls_of(const CatalogFile& file) {
  constexpr std::string_view host = "https://huggingface.co";
  std::vector<std::string> urls;
  if (const char* mirror = std::getenv("VOXCONV_MODEL_MIRROR"); mirror != nullptr && *mirror != '\0')
    for (const std::string& url : file.urls)
      if (url.starts_with(host)) urls.push_back(mirror + url.substr(host.size()));
  urls.insert(urls.end(), file.urls.begin(), file.urls.end());
  return urls;
}

/// The file of that name in or beside what --from names.
std::string given_file(const CatalogEntry& entry, const CatalogFile& file, const std::string& from) {
  std::error_code none;
  if (!fs::exists(from, none)) fail(ErrorCode::not_found, "{} does not exist.", from);
  fs::path given = from;
  if (fs::is_directory(given, none))
    given /= base_name(file);
  else if (entry.files.size() > 1 && given.filename() != base_name(file))
    given.replace_filename(base_name(file));
  if (!fs::exists(given, none))
    fail(ErrorCode::not_found, "{} needs {}, which is not in {}; give a folder with all its files.", entry.name, base_name(file),
         given.has_parent_path() ? given.parent_path().string() : ".");
  return given.string();
}

/// Copies and checks; the target appears only if all is well. The sha256 of what was copied.
std::string copy_in(const CatalogFile& file, const std::string& from, const std::string& target, const ProgressFn& on_progress,
                    const CancelToken& cancel) {
  std::error_code error;
  const auto bytes = static_cast<std::int64_t>(fs::file_size(from, error));
  if (error) fail(ErrorCode::io, "Cannot read {}: {}.", from, error.message());
  if (file.bytes > 0 && bytes != file.bytes)
    fail(ErrorCode::bad_model, "{} is not {}: it has {} bytes where {} are expected; fetch it again.", from, base_name(file), bytes,
         file.bytes);
  if (const std::string problem = layout_problem(from, file.path); !problem.empty()) fail(ErrorCode::bad_model, "{}", problem);
  std::ifstream in(from, std::ios::binary);
  if (!in) fail(ErrorCode::io, "Cannot read {}: {}.", from, std::strerror(errno));
  AtomicFile copy(target);
  Sha256 hash;
  {
    std::ofstream out(copy.path(), std::ios::binary);
    std::vector<char> block(1 << 20);
    for (std::int64_t done = 0; in;) {
      cancel.check();
      in.read(block.data(), static_cast<std::streamsize>(block.size()));
      hash.update({block.data(), static_cast<std::size_t>(in.gcount())});
      out.write(block.data(), in.gcount());
      done += in.gcount();
      on_progress({"copy " + base_name(file), double(done) / 1e6, double(bytes) / 1e6, "MB", ""});
    }
    out.flush();
    if (in.bad() || !out) fail(ErrorCode::io, "Cannot copy {} to {}: {}.", from, target, std::strerror(errno));
  }
  const std::string sha256 = hash.hex();
  if (!file.sha256.empty() && sha256 != file.sha256)
    fail(ErrorCode::bad_model, "{} is not {}: its sha256 is {} where {} is expected; fetch it again.", from, base_name(file), sha256,
         file.sha256);
  copy.commit();
  return sha256;
}

std::string fetch(const CatalogEntry& entry, const CatalogFile& file, const std::string& target, int stall_s, const ProgressFn& on_progress,
                  const CancelToken& cancel) {
  DownloadRequest request{urls_of(file), target, file.bytes, file.sha256, stall_s, [&](const std::string& path) {
                            if (const std::string problem = layout_problem(path, file.path); !problem.empty())
                              fail(ErrorCode::bad_model, "What was downloaded as {} is damaged: {}", base_name(file), problem);
                          }};
  const auto report = [&](std::int64_t done, std::int64_t total) {
    on_progress({"download " + base_name(file), double(done) / 1e6, double(total) / 1e6, "MB",
                 total > 0 ? fmt::format("{:.1f} of {:.1f} MB", double(done) / 1e6, double(total) / 1e6) : ""});
  };
  try {
    return download(request, report, cancel).sha256;
  } catch (const Error& e) {
    std::error_code none;
    const bool kept = fs::exists(target + ".part", none);
    if (e.code() == ErrorCode::cancelled && kept)
      throw Error(e.code(), fmt::format("Stopped; \"voxconv models get {}\" goes on from here.", entry.name));
    if (e.code() != ErrorCode::network && e.code() != ErrorCode::bad_model) throw;
    throw Error(e.code(), fmt::format("{} {}{}\"voxconv models get {} --from FILE\" installs a file that was fetched elsewhere.", e.what(),
                                      kept ? "The same command goes on from there. " : "",
                                      e.code() == ErrorCode::network ? "Without a network, " : "", entry.name));
  }
}

/// Of a file that is sound.
InstalledModelFile installed_before(const CatalogFile& file, const std::string& path) {
  const std::string wanted = wanted_checksum(file, path);
  return {path, static_cast<std::int64_t>(fs::file_size(path)), wanted.empty() ? sha256_file(path) : wanted, !file.sha256.empty(), false};
}

}  // namespace

std::string checksum_record(const std::string& path) { return path + ".sha256"; }

std::string layout_problem(const std::string& path, const std::string& name) {
  std::ifstream in(path, std::ios::binary);
  std::string head(64, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  const std::string kind = fs::path(name).extension();
  std::string_view text = head;
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  std::string really;
  if (text.empty()) really = "; it is empty";
  if (text.starts_with('<')) really = "; it is a page of HTML or XML";
  if (text.starts_with("version https://git-lfs")) really = "; it is a Git LFS pointer, not the file it stands for";
  const auto is_not = [&](const std::string& what) { return fmt::format("{} is not {}{}.", path, what, really); };
  if (kind == ".json") {
    std::ifstream whole(path, std::ios::binary);
    return nlohmann::json::parse(whole, nullptr, false).is_object() ? "" : is_not("a JSON object");
  }
  if (kind == ".yaml" || kind == ".yml") return really.empty() && head.find('\0') == std::string::npos ? "" : is_not("a YAML file");
  if (kind == ".safetensors") return head.size() > 9 && head[8] == '{' ? "" : is_not("a safetensors file");
  const bool zip = head.starts_with("PK\x03\x04");
  const bool pickle = head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
  const bool ctranslate2 =
      head.starts_with(std::string_view("\6\0\0\0", 4)) && head.find(std::string_view("Spec\0", 5)) != std::string::npos;
  return zip || pickle || ctranslate2 ? "" : is_not("a torch checkpoint");
}

std::string model_file_problem(const CatalogFile& file, const std::string& path) {
  std::error_code error;
  const auto bytes = static_cast<std::int64_t>(fs::file_size(path, error));
  if (error) return fmt::format("{} is missing.", path);
  if (file.bytes > 0 && bytes != file.bytes) return fmt::format("{} has {} bytes where {} are expected.", path, bytes, file.bytes);
  if (const std::string problem = layout_problem(path, file.path); !problem.empty()) return problem;
  const std::string wanted = wanted_checksum(file, path);
  if (wanted.empty()) return "";
  const std::string got = sha256_file(path);
  if (got == wanted) return "";
  return fmt::format("{} has the sha256 {} where {} {}.", path, got, wanted,
                     file.sha256.empty() ? "was recorded when it was installed" : "is expected");
}

InstalledModelFile install_model_file(const CatalogEntry& entry, const CatalogFile& file, const GetModelOptions& options,
                                      const ProgressFn& on_progress, const CancelToken& cancel) {
  const bool published = !file.sha256.empty();
  if (options.require_checksum && !published)
    fail(ErrorCode::usage, "Nobody publishes a checksum of {} for {}; without --require-checksum the one it has is recorded instead.",
         base_name(file), entry.name);
  const std::string target = (fs::path(user_models_dir()) / file.path).string();
  // What lies in the models folder comes before all that could be fetched.
  const std::string found = find_model_file(file.path).value_or(target);
  if (std::error_code none; found != target && !fs::equivalent(found, target, none)) {
    if (const std::string problem = model_file_problem(file, found); !problem.empty())
      fail(ErrorCode::bad_model, "{} It lies in the models folder, which is read first and never written to: remove it, then fetch {}.",
           problem, entry.name);
    return installed_before(file, found);
  }
  make_folder(fs::path(target).parent_path());
  const FileLock lock(
      target + ".lock",
      [&] {
        on_progress({"wait for another download of " + base_name(file), 0, 0, "MB", ""});
      },
      cancel);
  if (!options.force && model_file_problem(file, target).empty()) return installed_before(file, target);
  const std::string sha256 = options.from.empty() ? fetch(entry, file, target, options.stall_s, on_progress, cancel)
                                                  : copy_in(file, given_file(entry, file, options.from), target, on_progress, cancel);
  if (!published) write_file(checksum_record(target), sha256 + "  " + base_name(file) + "\n");
  return {target, static_cast<std::int64_t>(fs::file_size(target)), sha256, published, true};
}

}  // namespace voxconv
