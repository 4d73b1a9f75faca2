#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/file_descriptor.h"

namespace voxconv {

/// A source of bytes: a file, or standard input for "-".
class InputFile {
 public:
  /// Throws Error(not_found) if there is no such file, Error(io) if it cannot be opened, Error(bad_audio) if it is empty.
  explicit InputFile(const std::string& path);

  int fd() const { return file_.get(); }
  bool seekable() const { return size_ >= 0; }
  std::int64_t size() const { return size_; }        ///< bytes; -1 for a pipe or device
  const std::string& name() const { return name_; }  ///< for messages
  /// Up to `size` bytes (waits for at least one); 0 at the end. Throws Error(io).
  std::size_t read(void* to, std::size_t size);
  /// Up to `size` bytes from `position` on of a seekable file; the place of reading is kept. Throws Error(io).
  std::size_t read_at(std::int64_t position, void* to, std::size_t size) const;
  void rewind();

 private:
  FileDescriptor file_;
  std::int64_t size_ = -1;
  std::string name_;
};

/// A target for bytes. A regular file appears under its name only on commit(); "-" (standard output), devices and pipes are written in
/// place.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);  ///< throws Error(io)

  bool seekable() const { return target_ != nullptr; }
  const std::string& name() const { return name_; }
  std::int64_t position() const { return position_; }
  std::int64_t size() const { return size_; }
  void write(const void* from, std::size_t size);  ///< throws Error(io), e.g. where the disk is full
  void seek(std::int64_t position);                ///< throws Error(io)
  /// `size` bytes from `position` on of a seekable() target; the place of writing is kept. Throws Error(io).
  std::vector<std::uint8_t> read(std::int64_t position, std::size_t size) const;
  void truncate(std::int64_t size);  ///< throws Error(io)
  void commit();                     ///< throws Error(io)

 private:
  std::unique_ptr<AtomicFile> target_;
  FileDescriptor file_;  ///< closed before target_ goes
  std::int64_t position_ = 0, size_ = 0;
  std::string name_;
};

}  // namespace voxconv
