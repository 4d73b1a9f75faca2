#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace webwrap {

/// What is left of the disk on which the service's data lies, and what of it must stay free: new audio is refused before the disk is full,
/// so that the database can still be written, and what was made can be deleted. Thread-safe; several processes may look after one folder.
class Disk {
 public:
  /// `keep_free`: bytes; 0: nothing is refused. `probe`: the free bytes, for tests; else those of the file system of `dir`.
  Disk(std::string dir, std::int64_t keep_free, std::function<std::int64_t()> probe = {});

  std::int64_t free() const;
  bool has_room(std::int64_t bytes) const;  ///< that `bytes` more leave what must stay free
  void require(std::int64_t bytes) const;   ///< throws ServiceError(507, "disk_full") where there is no such room
  bool is_full() const;                     ///< nothing large may begin
  bool is_critical() const;                 ///< half of what must stay free is gone: nothing large may go on

  /// A file that takes an eighth of what must stay free, for the database to be written when other programs have taken all the rest. Made
  /// where there is room for it; to be called now and then. Returns false where there is no room.
  bool ensure_reserve() const;
  /// Gives the file's room away. False: there was none.
  bool release_reserve() const;

 private:
  std::string reserve_path() const { return dir_ + "/reserve"; }

  const std::string dir_;
  const std::int64_t keep_free_;
  const std::function<std::int64_t()> probe_;
};

/// ServiceError(507, "disk_full").
[[noreturn]] void fail_disk_full();

}  // namespace webwrap
