#pragma once
#include <string>

#include "blob/file_descriptor.h"
#include "config/config.h"
#include "store/store.h"

namespace webwrap {

/// Where the training of a voice keeps its recordings, features and checkpoints from one worker to the next; below data_dir, as the blobs.
class TrainingFolder {
 public:
  /// Makes it where it is not there, and holds it as long as this lives. Throws JobPaused where another process holds it: a worker that
  /// lost its lease may be at its last step.
  TrainingFolder(const Config&, const Id& voice);

  const std::string& path() const { return path_; }

  /// Once the job has ended, however.
  static void remove(const Config&, const Id& voice);
  /// Removes those whose jobs have ended without a worker: cancelled in the queue, or gone with their account. Returns how many.
  static int clean_up(const Config&, Store&);

 private:
  std::string path_;
  FileDescriptor lock_;
};

}  // namespace webwrap
