#pragma once
#include <string>

#include "blob/file_descriptor.h"

namespace webwrap {

/// A folder for one process's temporary files: removed at its end, or by the next process that makes one, should this one be killed.
class ScratchFolder {
 public:
  /// Makes a folder in `parent` (made if need be) and removes those whose processes are gone. Throws std::runtime_error.
  explicit ScratchFolder(const std::string& parent);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  FileDescriptor lock_;
};

}  // namespace webwrap
