#pragma once
#include <functional>
#include <string>
#include <vector>

#include "domain/clock.h"

namespace webwrap {

/// A file of an archive: bytes from `path`, or `text` where there is none.
struct ZipEntry {
  std::string name;  ///< made by the program, never by users
  std::string path;
  std::string text = {};
};

/// Writes a zip file at `path`, in which all entries have one time. Texts are compressed, files (sounds, pictures) stay as they are.
/// `cancelled` is asked now and then. Throws std::runtime_error; there is then no file.
void write_zip(const std::string& path, const std::vector<ZipEntry>& entries, Seconds time, const std::function<bool()>& cancelled);

}  // namespace webwrap
