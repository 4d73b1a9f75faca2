#pragma once
#include <functional>
#include <string>

#include "core/file_descriptor.h"
#include "voxconv/progress.h"

namespace voxconv {

/// Keeps other processes (and other FileLocks of this one) out as long as it lives. The lock file goes with it; one that a killed process
/// left behind does not block.
class FileLock {
 public:
  /// Waits until the lock is free, after one call of `on_wait`. Throws Error(io | cancelled).
  FileLock(std::string path, const std::function<void()>& on_wait, const CancelToken& cancel);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  std::string path_;
  FileDescriptor file_;
};

}  // namespace voxconv
