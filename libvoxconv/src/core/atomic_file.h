#pragma once
#include <string>
#include <string_view>

namespace voxconv {

/// A target file that appears whole or not at all: write to path(), then commit() (fsync, rename). Destroyed before, it leaves nothing.
class AtomicFile {
 public:
  /// The temporary name is ".<name>.<pid>.<n>.tmp" + the target's extension, in the target's folder. Throws Error(io) if that folder does
  /// not exist.
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

/// Writes `text` to `path` atomically. Throws Error(io).
void write_file(const std::string& path, std::string_view text);

/// The whole of a small text file. Throws Error(not_found | io).
std::string read_file(const std::string& path);

}  // namespace voxconv
