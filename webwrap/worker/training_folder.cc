#include "worker/training_folder.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "worker/job_runner.h"

namespace webwrap {
namespace {

namespace fs = std::filesystem;

constexpr Seconds held_retry_s = 5;

fs::path all_folders(const Config& config) { return fs::path(config.data_dir) / "training"; }

/// None: another process holds it.
FileDescriptor lock_folder(const fs::path& folder) {
  FileDescriptor lock = hold_lock_file(folder / ".lock", O_CREAT);
  if (!lock && errno != EWOULDBLOCK)
    throw std::system_error(errno, std::generic_category(), fmt::format("The folder {} cannot be written to", folder.string()));
  return lock;
}

}  // namespace

TrainingFolder::TrainingFolder(const Config& config, const Id& voice) : path_((all_folders(config) / voice).string()) {
  fs::create_directories(path_);
  lock_ = lock_folder(path_);
  if (!lock_) throw JobPaused(held_retry_s, "another worker still holds " + path_);
}

void TrainingFolder::remove(const Config& config, const Id& voice) {
  std::error_code ignored;
  fs::remove_all(all_folders(config) / voice, ignored);
}

int TrainingFolder::clean_up(const Config& config, Store& store) {
  int removed = 0;
  std::error_code ignored;
  for (fs::directory_iterator item(all_folders(config), ignored), end; item != end; item.increment(ignored)) {
    const Id voice = item->path().filename().string();
    bool is_wanted = false;
    store.read([&](Transaction& transaction) {
      for (const Job& job : transaction.voices().active_jobs(voice)) is_wanted = is_wanted || job.kind == Job::Kind::train;
    });
    if (is_wanted) continue;
    const FileDescriptor lock = lock_folder(item->path());
    if (!lock) continue;  // its worker is about to notice
    remove(config, voice);
    ++removed;
  }
  return removed;
}

}  // namespace webwrap
