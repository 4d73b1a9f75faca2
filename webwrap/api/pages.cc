#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "api/context.h"
#include "domain/error.h"
#include "domain/id.h"

namespace webwrap {
namespace fs = std::filesystem;
namespace {

/// <prefix>/share/voxconv/ui of the installation this program lies in, else the source tree's.
fs::path ui_dir() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path installed = program.parent_path().parent_path() / "share/voxconv/ui";
  return fs::is_directory(installed, ignored) ? installed : fs::path(WEBWRAP_SOURCE_UI);
}

const std::map<std::string, std::string> kTypes = {{".css", "text/css; charset=utf-8"},
                                                   {".html", "text/html; charset=utf-8"},
                                                   {".js", "text/javascript; charset=utf-8"},
                                                   {".mp3", "audio/mpeg"},
                                                   {".png", "image/png"},
                                                   {".svg", "image/svg+xml"},
                                                   {".txt", "text/plain; charset=utf-8"},
                                                   {".woff2", "font/woff2"}};

/// The web app's files. Which there are is found out once, and only these are ever opened: no request can name another. What is in them is
/// read for each answer, so that a changed file is seen by loading the page again.
class Files {
 public:
  explicit Files(const fs::path& dir) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir))
      if (entry.is_regular_file() && kTypes.count(entry.path().extension().string()))
        paths_[entry.path().lexically_relative(dir).generic_string()] = entry.path();
    if (!paths_.count("index.html"))
      throw std::runtime_error("The web app's files are missing: there is no index.html in " + dir.string() + ". Install voxconv again.");
  }

  http::Response answer(const std::string& name, const http::Request& request) const {
    const auto found = paths_.find(name);
    if (found == paths_.end()) throw ServiceError(404, "no_such_file", "There is no such file.");
    std::ifstream file(found->second, std::ios::binary);
    http::Response response;
    response.body.assign(std::istreambuf_iterator<char>(file), {});
    response.type = kTypes.at(found->second.extension().string());
    const std::string etag = '"' + hash_secret(response.body).substr(0, 32) + '"';
    response.headers = {{"ETag", etag}, {"Cache-Control", name.starts_with("vendor/") ? "public, max-age=86400" : "no-cache"}};
    if (request.header("if-none-match").find(etag) != std::string::npos) {
      response.status = 304;
      response.body.clear();
    }
    return response;
  }

 private:
  std::map<std::string, fs::path> paths_;
};

}  // namespace

void add_page_routes(http::Router& router, Context&) {
  const auto files = std::make_shared<const Files>(ui_dir());
  const auto page = [files](const http::Request& request) { return files->answer("index.html", request); };
  router.add_missing_page([files](const http::Request& request) {  // the app says that there is nothing; whatever the browser has of it
    http::Request fresh = request;
    fresh.headers.erase("if-none-match");
    return files->answer("index.html", fresh);
  });
  router.add(http::Method::get, "/", page);
  router.add(http::Method::get, "/app", page);
  router.add(http::Method::get, "/app/{path*}", page);
  router.add(http::Method::get, "/assets/{path*}",
             [files](const http::Request& request) { return files->answer(request.params.at("path"), request); });
  router.add(http::Method::get, "/favicon.ico", [files](const http::Request& request) { return files->answer("favicon.svg", request); });
}

}  // namespace webwrap
