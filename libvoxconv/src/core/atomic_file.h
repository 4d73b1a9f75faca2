#pragma once
#include <string>
#include <string_view>

namespace voxconv {

/// A target file that appears whole or not at all: write to path(), then commit() (fsync, rename). Destroyed before, it leaves nothing. A
/// link stays one: the file it leads to is the target.
class AtomicFile {
 public:
  /// The temporary name is ".<name>.<pid>.<n>.tmp" + the target's extension, in the target's folder; a long name is cut short. Throws
  /// Error(io) if that folder does not exist.
  explicit AtomicFile(std::string target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::string& path() const { return temporary_; }
  void commit();  ///< throws Error(io)

 private:
  std::string target_, temporary_;
  bool committed_ = false;
};

/// Makes the folder and those above it, where they are not there yet. Throws Error(io).
void make_folder(const std::string& path);

/// Gives the finished file `from` the name `to` in the same folder: fsync, rename, fsync of the folder. Throws Error(io).
void publish_file(const std::string& from, const std::string& to);

/// Whether there is something of that name which takes bytes as they come, and is not to be replaced by a file: a device, a pipe.
bool takes_bytes(const std::string& path);

/// Writes `text` to `path` atomically; to a device or a pipe as it is. Throws Error(io).
void write_file(const std::string& path, std::string_view text);

/// The whole of a small text file. Throws Error(not_found | io), also for a folder.
std::string read_file(const std::string& path);

}  // namespace voxconv
