#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "blob/blob_store.h"
#include "blob/disk.h"
#include "blob/file_descriptor.h"
#include "domain/error.h"
#include "domain/id.h"

namespace webwrap {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what, const fs::path& path) {
  const int error = errno;
  if (error == ENOSPC || error == EDQUOT) fail_disk_full();
  throw std::runtime_error(fmt::format("{} {}: {}.", what, path.string(), std::strerror(error)));
}

/// An open file whose faults are named with its path.
class File {
 public:
  File(const fs::path& path, int flags) : path_(path), file_(open_file(path, flags, 0640)) {
    if (!file_) fail("Could not open", path);
  }

  int fd() const { return file_.get(); }
  void write_at(std::int64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::pwrite(fd(), bytes.data(), bytes.size(), offset);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("Could not write", path_);
      bytes.remove_prefix(static_cast<std::size_t>(count));
      offset += count;
    }
  }
  void sync() {
    if (::fsync(fd()) != 0) fail("Could not store", path_);
  }

 private:
  fs::path path_;
  FileDescriptor file_;
};

/// Makes new names in a folder durable.
void sync_folder(const fs::path& folder) { File(folder, O_RDONLY | O_DIRECTORY).sync(); }

/// "recordings/<id>/source": parts of letters, digits, '-', '_' and '.', none of which starts with '.'.
bool is_key(std::string_view key) {
  if (key.empty() || key.size() > 200 || key.back() == '/') return false;
  bool at_start = true;
  for (const char c : key) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!plain && (at_start || (c != '/' && c != '.'))) return false;
    at_start = c == '/';
  }
  return true;
}

class LocalBlobStore : public BlobStore {
 public:
  explicit LocalBlobStore(const std::string& dir) : root_(fs::absolute(dir)) { fs::create_directories(root_ / "tmp"); }

  void put_file(const std::string& key, const std::string& local_path) override {
    const fs::path target = make_place(key);
    File(local_path, O_RDONLY).sync();
    if (::rename(local_path.c_str(), target.c_str()) == 0) {
      sync_folder(target.parent_path());
      return;
    }
    if (errno != EXDEV) fail("Could not move in", local_path);
    const fs::path copy = temporary();
    try {
      fs::copy_file(local_path, copy);
      File(copy, O_RDONLY).sync();
      fs::rename(copy, target);
    } catch (...) {
      std::error_code ignored;
      fs::remove(copy, ignored);
      throw;
    }
    fs::remove(local_path);
    sync_folder(target.parent_path());
  }

  void put(const std::string& key, const std::string& bytes) override {
    const fs::path target = make_place(key), path = temporary();
    try {
      File file(path, O_WRONLY | O_CREAT | O_EXCL);
      file.write_at(0, bytes);
      file.sync();
      fs::rename(path, target);
    } catch (...) {
      std::error_code ignored;
      fs::remove(path, ignored);
      throw;
    }
    sync_folder(target.parent_path());
  }

  std::int64_t append(const std::string& key, std::int64_t offset, const std::string& bytes) override {
    const fs::path path = make_place(key);
    File file(path, O_WRONLY | O_CREAT);
    // Two requests, perhaps in two processes, may append to one upload: the second finds another size.
    if (::flock(file.fd(), LOCK_EX) != 0) fail("Could not lock", path);
    struct stat status = {};
    if (::fstat(file.fd(), &status) != 0) fail("Could not look at", path);
    if (status.st_size != offset)
      throw ServiceError(409, "wrong_offset", fmt::format("The upload has {} bytes, but this part starts at {}.", status.st_size, offset));
    try {
      file.write_at(offset, bytes);
      file.sync();
    } catch (...) {
      if (::ftruncate(file.fd(), offset) != 0) fail("Could not undo a part of", path);
      throw;
    }
    if (offset == 0) sync_folder(path.parent_path());
    return offset + static_cast<std::int64_t>(bytes.size());
  }

  std::int64_t size(const std::string& key) override {
    struct stat status = {};
    const fs::path path = path_of(key);
    if (::stat(path.c_str(), &status) == 0) return S_ISREG(status.st_mode) ? status.st_size : -1;
    if (errno != ENOENT && errno != ENOTDIR) fail("Could not look at", path);
    return -1;
  }

  std::string read(const std::string& key, std::int64_t offset, std::int64_t length) override {
    const fs::path path = path_of(key);
    const File file(path, O_RDONLY);
    const std::int64_t there = std::max<std::int64_t>(0, size(key) - offset);
    std::string bytes(static_cast<std::size_t>(std::min(length, there)), '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t count = ::pread(file.fd(), bytes.data() + done, bytes.size() - done, offset + static_cast<std::int64_t>(done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("Could not read", path);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    bytes.resize(done);
    return bytes;
  }

  std::string local_path(const std::string& key) override { return path_of(key).string(); }

  void remove(const std::string& key) override {
    std::error_code ignored;
    const fs::path path = path_of(key);
    fs::remove(path, ignored);
    fs::remove(path.parent_path(), ignored);  // only where it is empty now
  }

  void remove_all(const std::string& prefix) override {
    std::string_view key = prefix;
    if (key.ends_with('/')) key.remove_suffix(1);
    std::error_code ignored;
    fs::remove_all(path_of(std::string(key)), ignored);
  }

 private:
  fs::path path_of(const std::string& key) const {
    if (!is_key(key)) throw std::logic_error(fmt::format("'{}' is no key of a blob.", key));
    return root_ / "files" / key;
  }
  fs::path make_place(const std::string& key) {
    const fs::path path = path_of(key);
    fs::create_directories(path.parent_path());
    return path;
  }
  fs::path temporary() const { return root_ / "tmp" / new_id(); }

  const fs::path root_;
};

}  // namespace

std::string sha256_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  crypto_hash_sha256_state state;
  ::crypto_hash_sha256_init(&state);
  std::vector<char> block(1 << 20);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0)
    ::crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(block.data()),
                                static_cast<unsigned long long>(file.gcount()));
  if (!file.eof() || file.bad()) throw std::runtime_error("The file " + path + " cannot be read.");
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  ::crypto_hash_sha256_final(&state, digest.data());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text;
  return ::sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
}

std::unique_ptr<BlobStore> open_local_blob_store(const std::string& dir) { return std::make_unique<LocalBlobStore>(dir); }

}  // namespace webwrap
