#include "worker/training_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "worker/job_runner.h"

namespace webwrap {
namespace {

namespace fs = std::filesystem;

constexpr Seconds held_retry_s = 5;

fs::path all_folders(const Config& config) { return fs::path(config.data_dir) / "training"; }

/// -1: another process holds it.
int lock_folder(const fs::path& folder) {
  const int lock = ::open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) throw std::system_error(errno, std::generic_category(), fmt::format("The folder {} cannot be written to", folder.string()));
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  ::close(lock);
  return -1;
}

}  // namespace

TrainingFolder::TrainingFolder(const Config& config, const Id& voice) : path_((all_folders(config) / voice).string()) {
  fs::create_directories(path_);
  lock_ = lock_folder(path_);
  if (lock_ < 0) throw JobPaused(held_retry_s, "another worker still holds " + path_);
}

TrainingFolder::~TrainingFolder() { ::close(lock_); }

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
    const int lock = lock_folder(item->path());
    if (lock < 0) continue;  // its worker is about to notice
    remove(config, voice);
    ::close(lock);
    ++removed;
  }
  return removed;
}

}  // namespace webwrap
