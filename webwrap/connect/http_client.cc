#include "connect/http_client.h"

#include <curl/curl.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <new>
#include <stdexcept>
#include <string_view>

#include "domain/text.h"

namespace webwrap {
namespace {

constexpr std::size_t largest_answer = 4 << 20;

struct Sending {
  HttpAnswer answer;
  std::FILE* file = nullptr;
  std::function<bool(std::int64_t)> progress;
};

std::size_t collect_answer(char* data, std::size_t size, std::size_t count, void* into) {
  std::string& body = static_cast<Sending*>(into)->answer.body;
  if (body.size() + size * count > largest_answer) return 0;  // makes libcurl give up
  body.append(data, size * count);
  return size * count;
}

std::size_t note_header(char* data, std::size_t size, std::size_t count, void* into) {
  const std::string_view line(data, size * count);
  if (const std::size_t colon = line.find(':'); colon != line.npos)
    static_cast<Sending*>(into)->answer.headers[lower_case(line.substr(0, colon))] =
        std::string(trimmed(line.substr(colon + 1), " \t\r\n"));
  return size * count;
}

std::size_t read_upload(char* to, std::size_t size, std::size_t count, void* from) {
  return std::fread(to, 1, size * count, static_cast<Sending*>(from)->file);
}

int tell(void* of, curl_off_t, curl_off_t, curl_off_t whole, curl_off_t sent) {
  const auto& progress = static_cast<Sending*>(of)->progress;
  // Once all of it was sent it has its effect there, whether the answer is waited for or not.
  return progress && !progress(sent) && (whole <= 0 || sent < whole) ? 1 : 0;
}

struct CurlRelease {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(curl_mime* form) const { curl_mime_free(form); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::unique_ptr<curl_mime, CurlRelease> mime_of(CURL* curl, const std::vector<HttpCall::Part>& parts) {
  std::unique_ptr<curl_mime, CurlRelease> form(curl_mime_init(curl));
  for (const HttpCall::Part& part : parts) {
    curl_mimepart* made = curl_mime_addpart(form.get());
    if (!made) throw std::bad_alloc();
    curl_mime_name(made, part.name.c_str());
    if (part.path.empty()) {
      curl_mime_data(made, part.value.data(), part.value.size());
      continue;
    }
    curl_mime_filedata(made, part.path.c_str());
    curl_mime_filename(made, std::filesystem::path(part.path).filename().c_str());
    curl_mime_type(made, part.type.c_str());
  }
  return form;
}

}  // namespace

HttpAnswer send_http(const HttpCall& call, const std::function<bool(std::int64_t)>& progress) {
  static const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == 0;
  const std::unique_ptr<CURL, CurlRelease> handle(started ? curl_easy_init() : nullptr);
  if (!handle) throw std::runtime_error("libcurl gives no handle.");
  CURL* curl = handle.get();
  Sending sending;
  sending.progress = progress;
  std::unique_ptr<curl_slist, CurlRelease> headers;
  for (const auto& [name, value] : call.headers) {
    curl_slist* longer = curl_slist_append(headers.get(), (name + ": " + value).c_str());
    if (!longer) throw std::bad_alloc();
    (void)headers.release();
    headers.reset(longer);
  }
  std::unique_ptr<std::FILE, CurlRelease> file;
  const auto form = call.form.empty() ? nullptr : mime_of(curl, call.form);
  if (form) {
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, form.get());
  } else if (!call.file.empty()) {
    file.reset(std::fopen(call.file.c_str(), "rb"));
    if (!file || std::fseek(file.get(), long(call.file_offset), SEEK_SET) != 0)
      throw std::runtime_error("The file " + call.file + " cannot be read.");
    sending.file = file.get();
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, curl_off_t(std::int64_t(std::filesystem::file_size(call.file)) - call.file_offset));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_upload);
    curl_easy_setopt(curl, CURLOPT_READDATA, &sending);
  } else if (!call.body.empty() || call.method == "POST" || call.method == "PUT" || call.method == "PATCH") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(call.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.body.data());
  }
  if (call.method == "HEAD")
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  else
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "voxconv-webwrap");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  if (file || form) {
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 600L);  // what was sent whole may be worked on for long before the answer
  } else {
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, call.timeout_s);
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect_answer);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sending);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, note_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &sending);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, tell);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &sending);
  if (curl_easy_perform(curl) != CURLE_OK) return {};
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &sending.answer.status);
  return std::move(sending.answer);
}

std::string form_encoded(const HttpFields& fields) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  const auto add = [&text](const std::string& part) {
    for (const char c : part) {
      const bool plain = is_digit(c) || (lower_case(c) >= 'a' && lower_case(c) <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
      if (plain)
        text += c;
      else
        text.append({'%', digits[static_cast<unsigned char>(c) >> 4], digits[static_cast<unsigned char>(c) & 15]});
    }
  };
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text += '&';
    add(name);
    text += '=';
    add(value);
  }
  return text;
}

}  // namespace webwrap
