#include "core/download.h"

#include <curl/curl.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <exception>
#include <filesystem>
#include <memory>

#include "core/fail.h"
#include "core/part_file.h"
#include "voxconv/version.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr int most_redirects = 5;
constexpr int most_resumptions = 20;                        // of one URL in one call, each of which brought something
constexpr std::int64_t most_bytes = std::int64_t{8} << 30;  // of a file whose size is not known
constexpr std::size_t most_skipped = 1 << 20;               // of the text that comes with an error or a redirect
constexpr std::int64_t spare_disk = std::int64_t{1} << 20;

struct CurlFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string part_of(const std::string& url, CURLUPart part) {
  const std::unique_ptr<CURLU, CurlFree> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "";
  char* text = nullptr;
  if (curl_url_get(parsed.get(), part, &text, 0) != CURLUE_OK) return "";
  const std::string result = text;
  curl_free(text);
  return result;
}

std::string server_of(const std::string& url) { return part_of(url, CURLUPART_HOST) + ":" + part_of(url, CURLUPART_PORT); }

bool is_loopback(const std::string& url) {
  const std::string host = part_of(url, CURLUPART_HOST);
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

/// What a server says about the file, in the headers of one answer.
struct Answer {
  long status = 0;
  std::int64_t length = -1;                   ///< of the body
  std::int64_t range_start = -1, total = -1;  ///< of Content-Range
  std::string etag, last_modified;

  /// The validator for If-Range; weak tags do not guarantee equal bytes.
  std::string validator() const { return !etag.empty() && !etag.starts_with("W/") ? etag : last_modified; }
};

std::int64_t number(std::string_view text) {
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void read_header(Answer& answer, std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    answer = {};
    const std::size_t space = line.find(' ');
    answer.status = space == std::string_view::npos ? 0 : static_cast<long>(number(line.substr(space + 1)));
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "content-length") answer.length = number(value);
  if (name == "etag") answer.etag = value;
  if (name == "last-modified") answer.last_modified = value;
  if (name == "content-range" && value.starts_with("bytes ")) {
    answer.range_start = number(value.substr(6));
    if (const std::size_t slash = value.find('/'); slash != std::string_view::npos) answer.total = number(value.substr(slash + 1));
  }
}

/// How the request for one URL ended.
struct Outcome {
  enum class Kind { whole, broken, refused, wrong, unreachable } kind;
  std::string reason;
};
using Kind = Outcome::Kind;

/// Fetches one URL into the part, as far as it gets.
class Transfer {
 public:
  Transfer(const DownloadRequest& request, PartFile& part, const std::function<void(std::int64_t, std::int64_t)>& on_progress,
           const CancelToken& cancel)
      : request_(request), part_(part), on_progress_(on_progress), cancel_(cancel), curl_(curl_easy_init()) {
    if (!curl_) fail(ErrorCode::internal, "libcurl cannot be started.");
  }

  Outcome run(const std::string& url) {
    url_ = url;
    const std::string validator = part_.url() == url ? part_.validator() : "";
    // Without either it is not known whether the rest belongs to the bytes that are here: then the whole file is requested.
    const bool resume = !validator.empty() || !request_.sha256.empty();
    std::string at = url;
    for (int hops = 0; hops <= most_redirects; ++hops) {
      if (!may_download_from(at))
        return {Kind::refused,
                fmt::format("{}is neither https nor on this machine", hops > 0 ? fmt::format("leads to {}, which ", at) : "")};
      const Outcome outcome = ask(at, resume ? part_.size() : 0, validator);
      if (!redirect_.empty()) {
        if (at.starts_with("https:") && !redirect_.starts_with("https:"))
          return {Kind::refused, fmt::format("leads to {}, which is not https", redirect_)};
        at = redirect_;
        continue;
      }
      if (answer_.status != 416) return outcome;
      if (from_ == 0) return {Kind::refused, "answered 416 to a request for the whole file"};
      part_.clear();  // more is here than the server has: begin anew
    }
    return {Kind::refused, fmt::format("redirects more than {} times", most_redirects)};
  }

 private:
  /// Asks for the bytes from `from` on; with a validator for all of them if the file is another one by now.
  Outcome ask(const std::string& url, std::int64_t from, const std::string& validator) {
    from_ = from;
    answer_ = {};
    wrong_.clear();
    redirect_.clear();
    began_ = false;
    skipped_ = 0;
    error_text_[0] = '\0';
    CURL* curl = curl_.get();
    curl_easy_reset(curl);
    curl_slist* list = curl_slist_append(nullptr, "Accept-Encoding: identity");
    if (from > 0) {
      list = curl_slist_append(list, fmt::format("Range: bytes={}-", from).c_str());
      if (!validator.empty()) list = curl_slist_append(list, ("If-Range: " + validator).c_str());
    }
    const std::unique_ptr<curl_slist, CurlFree> headers(list);
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, fmt::format("voxconv/{}", version()).c_str());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text_);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(request_.stall_s));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.stall_s));
    if (is_loopback(url)) curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Transfer::on_time);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
    const CURLcode code = curl_easy_perform(curl);
    if (exception_) std::rethrow_exception(exception_);
    if (char* to = nullptr; curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &to) == CURLE_OK && to != nullptr) redirect_ = to;
    return outcome(code);
  }

  Outcome outcome(CURLcode code) {
    if (!wrong_.empty()) return {Kind::wrong, wrong_};
    const bool good = answer_.status == 200 || answer_.status == 206;
    if (answer_.status != 0 && !good) return {Kind::refused, fmt::format("answered {}", answer_.status)};
    if (code == CURLE_OK && !began_) begin();  // a file without a single byte
    if (!wrong_.empty()) return {Kind::wrong, wrong_};
    if (code != CURLE_OK) {
      const std::string text = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(code);
      if (good) return {Kind::broken, fmt::format("broke off ({})", text)};
      const bool unreachable = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_CONNECT;
      return {unreachable ? Kind::unreachable : Kind::refused, fmt::format("cannot be reached ({})", text)};
    }
    const std::int64_t whole = total();
    if (part_.size() < whole) return {Kind::broken, fmt::format("ended after {} of {} bytes", part_.size(), whole)};
    return {Kind::whole, ""};
  }

  /// Bytes of the whole file as the caller or the server says; 0: not known.
  std::int64_t total() const {
    if (request_.bytes > 0) return request_.bytes;
    return std::max<std::int64_t>(answer_.status == 206 ? answer_.total : answer_.length, 0);
  }

  /// The headers are read and fit, or `wrong_` says what does not.
  void begin() {
    began_ = true;
    const std::int64_t offered = answer_.status == 206 ? answer_.total : answer_.length;
    const std::int64_t most = request_.bytes > 0 ? request_.bytes : most_bytes;
    if (offered > 0 && ((request_.bytes > 0 && offered != request_.bytes) || offered > most)) {
      wrong_ = fmt::format("has {} bytes where {}{} are expected", offered, request_.bytes > 0 ? "" : "at most ", most);
      return;
    }
    if (answer_.status == 206 && answer_.range_start != from_) {
      wrong_ = fmt::format("sends the bytes from {} when asked for those from {}", answer_.range_start, from_);
      part_.clear();
      return;
    }
    if ((answer_.status == 200 || from_ == 0) && part_.size() > 0) part_.clear();  // no ranges here, or another file by now
    if (part_.size() == 0) part_.set_origin(url_, answer_.validator());
    const std::int64_t needed = total() - part_.size() + spare_disk;
    std::error_code unknown;
    const fs::space_info space = fs::space(fs::path(part_.path()).parent_path(), unknown);
    if (!unknown && total() > 0 && space.available < static_cast<std::uintmax_t>(needed))
      fail(ErrorCode::io, "There is no room for {}: {} MB are free, {} MB are needed.", request_.target, space.available / 1'000'000,
           needed / 1'000'000 + 1);
  }

  void take(std::string_view bytes) {
    if (answer_.status != 200 && answer_.status != 206) {  // the text of an error
      skipped_ += bytes.size();
      return;
    }
    if (!began_) begin();
    const std::int64_t most = request_.bytes > 0 ? request_.bytes : most_bytes;
    if (wrong_.empty() && part_.size() + static_cast<std::int64_t>(bytes.size()) > most) {
      wrong_ = fmt::format("sends more than the {} bytes that are expected", most);
      part_.clear();
    }
    if (wrong_.empty()) part_.append(bytes);
  }

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) {
    read_header(static_cast<Transfer*>(self)->answer_, {data, size * count});
    return size * count;
  }

  /// Exceptions must not pass through libcurl: they are kept in exception_.
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
      transfer.take({data, size * count});
    } catch (...) {
      transfer.exception_ = std::current_exception();
    }
    const bool go_on = !transfer.exception_ && transfer.wrong_.empty() && transfer.skipped_ <= most_skipped;
    return go_on ? size * count : CURL_WRITEFUNC_ERROR;
  }

  static int on_time(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
      transfer.cancel_.check();
      if (transfer.began_) transfer.on_progress_(transfer.part_.size(), transfer.total());
    } catch (...) {
      transfer.exception_ = std::current_exception();
    }
    return transfer.exception_ ? 1 : 0;
  }

  const DownloadRequest& request_;
  PartFile& part_;
  const std::function<void(std::int64_t, std::int64_t)>& on_progress_;
  const CancelToken& cancel_;
  std::unique_ptr<CURL, CurlFree> curl_;
  std::string url_;        ///< before any redirect
  std::int64_t from_ = 0;  ///< where the bytes that were asked for begin
  Answer answer_;
  std::string wrong_, redirect_;
  bool began_ = false;
  std::size_t skipped_ = 0;
  std::exception_ptr exception_;
  char error_text_[CURL_ERROR_SIZE] = {};
};

}  // namespace

bool may_download_from(const std::string& url) {
  const std::string scheme = part_of(url, CURLUPART_SCHEME);
  return scheme == "https" || (scheme == "http" && is_loopback(url));
}

Download download(const DownloadRequest& request, const std::function<void(std::int64_t, std::int64_t)>& on_progress,
                  const CancelToken& cancel) {
  [[maybe_unused]] static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::string name = fs::path(request.target).filename().string();
  PartFile part(request.target);
  if (request.bytes > 0 && part.size() > request.bytes) part.clear();

  std::vector<std::string> reasons, unreachable;
  bool wrong = false;
  for (const std::string& url : request.urls) {
    if (std::find(unreachable.begin(), unreachable.end(), server_of(url)) != unreachable.end()) continue;
    for (int tries = 0; tries <= most_resumptions; ++tries) {
      cancel.check();
      const std::int64_t before = part.size();
      const bool all_here = request.bytes > 0 && before == request.bytes && !request.sha256.empty();
      Outcome outcome = all_here ? Outcome{Kind::whole, ""} : Transfer(request, part, on_progress, cancel).run(url);
      if (outcome.kind == Kind::whole) {
        Download result{url, part.sha256(), part.size()};
        if (request.sha256.empty() || result.sha256 == request.sha256) {
          try {
            if (request.check) request.check(part.path());
          } catch (...) {
            part.discard();
            throw;
          }
          part.commit();
          on_progress(result.bytes, result.bytes);
          return result;
        }
        part.clear();
        if (before > 0) continue;  // what an earlier call left may have been the damaged piece
        outcome = {Kind::wrong, fmt::format("gives a file with the sha256 {} where {} is expected", result.sha256, request.sha256)};
      }
      if (outcome.kind == Kind::broken && part.size() > before && tries < most_resumptions) continue;
      wrong = wrong || outcome.kind == Kind::wrong;
      if (outcome.kind == Kind::unreachable) unreachable.push_back(server_of(url));
      reasons.push_back(url + " " + outcome.reason);
      break;
    }
  }
  const std::string kept = part.size() > 0 ? fmt::format(" {} bytes of it are kept.", part.size()) : "";
  fail(wrong ? ErrorCode::bad_model : ErrorCode::network, "Cannot download {}: {}.{}", name, fmt::join(reasons, "; "), kept);
}

}  // namespace voxconv
