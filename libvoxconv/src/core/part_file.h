#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/file_descriptor.h"
#include "core/sha256.h"

namespace voxconv {

/// A file that grows as "<target>.part" until it is whole, and lives on when the program ends. "<target>.part.origin" says where its bytes
/// come from, so that what is appended later belongs to the same file. Throws Error(io).
class PartFile {
 public:
  /// Takes over what an earlier call left.
  explicit PartFile(std::string target);
  ~PartFile();  ///< keeps the part; an empty one goes
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const std::string& path() const { return path_; }
  std::int64_t size() const { return size_; }
  const std::string& url() const { return url_; }              ///< of the first bytes; empty: not known
  const std::string& validator() const { return validator_; }  ///< ETag or date of that file; empty: none

  void set_origin(const std::string& url, const std::string& validator);
  void append(std::string_view bytes);
  void clear();
  /// SHA-256 of what is there; nothing can be appended afterwards, until clear().
  std::string sha256() { return hash_.hex(); }
  void commit();   ///< to disk, and to its name
  void discard();  ///< removes the part

 private:
  void remove_origin();

  std::string target_, path_, origin_path_, url_, validator_;
  FileDescriptor file_;
  std::int64_t size_ = 0;
  Sha256 hash_;
};

}  // namespace voxconv
