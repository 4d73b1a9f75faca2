#include "release/zip.h"

#include <fmt/format.h>
#include <zip.h>

#include <memory>
#include <stdexcept>

namespace webwrap {

void write_zip(const std::string& path, const std::vector<ZipEntry>& entries, Seconds time, const std::function<bool()>& cancelled) {
  int error = 0;
  std::unique_ptr<zip_t, decltype(&zip_discard)> archive(zip_open(path.c_str(), ZIP_CREATE | ZIP_EXCL, &error), zip_discard);
  const auto refuse = [&](const std::string& what) {
    throw std::runtime_error(fmt::format("The archive {} cannot be written: {}.", path, what));
  };
  if (!archive) refuse(fmt::format("libzip's error {}", error));
  for (const ZipEntry& entry : entries) {
    zip_source_t* source = entry.path.empty() ? zip_source_buffer(archive.get(), entry.text.data(), entry.text.size(), 0)
                                              : zip_source_file(archive.get(), entry.path.c_str(), 0, -1);
    if (!source) refuse(zip_strerror(archive.get()));
    const zip_int64_t index = zip_file_add(archive.get(), entry.name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      refuse(zip_strerror(archive.get()));
    }
    zip_set_file_compression(archive.get(), zip_uint64_t(index), entry.path.empty() ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    zip_file_set_mtime(archive.get(), zip_uint64_t(index), time_t(time), 0);
  }
  const auto ask = [](zip_t*, void* state) { return (*static_cast<const std::function<bool()>*>(state))() ? 1 : 0; };
  zip_register_cancel_callback_with_state(archive.get(), ask, nullptr, const_cast<std::function<bool()>*>(&cancelled));
  if (zip_close(archive.get()) != 0) refuse(zip_strerror(archive.get()));
  (void)archive.release();
}

}  // namespace webwrap
