#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "voxconv/progress.h"

namespace voxconv {

struct DownloadRequest {
  std::vector<std::string> urls;  ///< of the same file, tried in order; https, or http to this machine
  std::string target;
  std::int64_t bytes = 0;  ///< 0: not known
  std::string sha256;      ///< empty: not known
  int stall_s = 30;        ///< a server that sends nothing for so long is given up
  /// Looks at the whole file before it gets its name; throws Error if it is not what it should be.
  std::function<void(const std::string& path)> check;
};

struct Download {
  std::string url, sha256;
  std::int64_t bytes = 0;
};

/// Whether a file may be fetched from `url`: https from anywhere, plain http from this machine's own addresses only.
bool may_download_from(const std::string& url);

/// Fetches a file to "<target>.part" and gives it its name when it is whole and right. What a broken connection leaves is kept, and the
/// next call goes on from there, as long as the server says that it is still the same file (or the checksum is known). `on_progress` gets
/// the bytes that are there and those of the whole file (0: not known). Throws Error(network) if no URL gives the file, Error(bad_model) if
/// what one gives has another size or checksum, Error(io | cancelled).
Download download(const DownloadRequest& request, const std::function<void(std::int64_t done, std::int64_t total)>& on_progress,
                  const CancelToken& cancel);

}  // namespace voxconv
