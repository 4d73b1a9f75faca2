#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace webwrap {

/// Where audio is kept, by key ("recordings/<id>/source", "songs/<id>/converted.flac"). Keys are made by the service, never by users.
/// Thread-safe; several processes may share it. A later S3 store is one more class beside LocalBlobStore.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  /// Moves a finished local file in (on one file system: a rename). The blob appears whole or not at all.
  virtual void put_file(const std::string& key, const std::string& local_path) = 0;
  virtual void put(const std::string& key, const std::string& bytes) = 0;
  /// Appends at `offset`, which must be the blob's size now (tus). Returns the new size; durable when it returns.
  virtual std::int64_t append(const std::string& key, std::int64_t offset, const std::string& bytes) = 0;
  virtual std::int64_t size(const std::string& key) = 0;  ///< -1: there is none
  virtual std::string read(const std::string& key, std::int64_t offset, std::int64_t length) = 0;
  /// A local file with the blob's bytes, to decode from; valid until the blob is removed.
  virtual std::string local_path(const std::string& key) = 0;
  virtual void remove(const std::string& key) = 0;         ///< no error where there is none
  virtual void remove_all(const std::string& prefix) = 0;  ///< all below "songs/<id>/"
};

/// Blobs below a local folder; temporary files are made below `dir`/tmp, which this makes.
std::unique_ptr<BlobStore> open_local_blob_store(const std::string& dir);

/// The sha256 of a file's bytes, hex. Throws std::runtime_error where it cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace webwrap
