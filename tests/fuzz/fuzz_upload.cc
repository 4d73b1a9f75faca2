// Parts of uploads with whatever headers and bytes, in whatever order: what was acknowledged is what lies there, nothing goes past the
// length that was declared, a complete upload goes to the workers once, others' uploads are out of reach, and nothing is answered by a 5xx.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "../web/service.h"
#include "store/job_end.h"

namespace {

using namespace webwrap;
using namespace webwrap::testing;
using http::Response;

void require(bool condition) {
  if (!condition) std::abort();
}

/// An upload as the client knows it.
struct Upload {
  std::string place;
  std::size_t length = 0;
  std::string content;  ///< acknowledged
  bool is_complete() const { return content.size() == length; }
};

Service& service() {
  static const auto made = [] {
    ::setenv("TMPDIR", "/dev/shm", 0);  // a disk would be waited for at each part
    auto one = std::make_unique<Service>();
    one->config.signups_per_day = 1 << 30;
    one->config.max_quick_jobs = 1 << 30;
    add_account_routes(one->router, *one->context);
    add_upload_routes(one->router, *one->context);
    return one;
  }();
  return *made;
}

std::string header_of(const Response& response, const char* name) {
  const std::string* value = response.find_header(name);
  return value ? *value : "";
}

bool is_refusal(const Response& response) { return response.status >= 400 && response.status < 500; }

class Client {
 public:
  explicit Client(FuzzedDataProvider& data) : data_(data), browser_(service()), stranger_(service()) {
    static int clients = 0;
    for (Browser* browser : {&browser_, &stranger_}) {
      ++clients;
      browser->client = fmt::format("10.{}.{}.{}", clients >> 16 & 255, clients >> 8 & 255, clients & 255);  // one address makes few guests
      require(browser->send(Method::post, "/api/v1/guests", json::object()).status == 201);
    }
  }
  ~Client() {
    service().store->write([&](Transaction& transaction) {
      for (const Upload& upload : uploads_)
        if (const auto found = transaction.recordings().find(id_of(upload))) {
          for (const Job& job : transaction.jobs().list(found->account, 1000)) cancel_job(transaction, job, service().clock.now());
          transaction.recordings().erase(found->id);
        }
    });
    for (const Upload& upload : uploads_) service().blobs->remove_all("recordings/" + id_of(upload) + "/");
  }

  void act() {
    switch (data_.ConsumeIntegralInRange(0, 6)) {
      case 0: return create();
      case 1: return end();
      case 2: return look();
      case 3: service().clock.time += data_.ConsumeIntegralInRange(0, 100'000); return;
      default: return append();
    }
  }

 private:
  std::map<std::string, std::string> headers() {
    std::map<std::string, std::string> all = {{"content-type", "application/offset+octet-stream"}};
    all["tus-resumable"] = data_.ConsumeIntegralInRange(0, 15) == 0 ? data_.ConsumeRandomLengthString(8) : "1.0.0";
    return all;
  }
  std::string number(std::size_t right) { return data_.ConsumeBool() ? std::to_string(right) : data_.ConsumeRandomLengthString(24); }
  Upload* any() { return uploads_.empty() ? nullptr : &uploads_[data_.ConsumeIntegralInRange<std::size_t>(0, uploads_.size() - 1)]; }
  static Id id_of(const Upload& upload) { return upload.place.substr(upload.place.rfind('/') + 1); }

  void create() {
    auto with = headers();
    with["upload-length"] = number(data_.ConsumeIntegralInRange<std::size_t>(0, 2000));
    with["upload-metadata"] = data_.ConsumeRandomLengthString(100);
    const Response made = browser_.send_raw(Method::post, "/api/v1/uploads", "", with);
    if (made.status != 201) return require(is_refusal(made));
    require(header_of(made, "Upload-Offset") == "0");
    uploads_.push_back({header_of(made, "Location"), std::stoull(with["upload-length"]), ""});
    require(uploads_.back().length > 0);
  }

  void append() {
    Upload* upload = any();
    if (!upload) return;
    auto with = headers();
    with["upload-offset"] = number(upload->content.size());
    const std::string body = data_.ConsumeRandomLengthString(600);
    const bool is_stranger = data_.ConsumeIntegralInRange(0, 9) == 0;
    const Response answer = (is_stranger ? stranger_ : browser_).send_raw(Method::patch, upload->place, body, with);
    if (answer.status != 204) {
      require(is_refusal(answer));
    } else {
      require(!is_stranger && std::stoull(with["upload-offset"]) == upload->content.size());
      upload->content += body;
      require(header_of(answer, "Upload-Offset") == std::to_string(upload->content.size()));
    }
    check(*upload);
  }

  void check(const Upload& upload) {
    require(upload.content.size() <= upload.length);
    std::optional<Recording> found;
    int jobs = 0;
    service().store->read([&](Transaction& transaction) {
      found = transaction.recordings().find(id_of(upload));
      if (found)
        for (const Job& job : transaction.jobs().list(found->account, 1000)) jobs += job.recording == found->id;
    });
    require(found.has_value());
    const std::int64_t size = service().blobs->size(found->blob);
    require(std::max<std::int64_t>(size, 0) == std::int64_t(upload.content.size()));
    require(size < 0 || service().blobs->read(found->blob, 0, size + 1) == upload.content);
    require((found->state == Recording::State::analysing) == upload.is_complete());
    require(jobs == (upload.is_complete() ? 1 : 0));
  }

  void look() {
    const Upload* upload = any();
    if (!upload) return;
    const Response answer = browser_.send_raw(Method::head, upload->place, "", headers());
    if (answer.status != 200) return require(is_refusal(answer));
    require(header_of(answer, "Upload-Offset") == std::to_string(upload->content.size()));
    require(header_of(answer, "Upload-Length") == std::to_string(upload->length));
  }

  void end() {
    Upload* upload = any();
    if (!upload) return;
    const Response answer = browser_.send_raw(Method::del, upload->place, "", headers());
    if (answer.status != 204) return require(is_refusal(answer));
    require(!upload->is_complete());
    require(service().blobs->size("recordings/" + id_of(*upload) + "/source") < 0);
    uploads_.erase(uploads_.begin() + (upload - uploads_.data()));
  }

  FuzzedDataProvider& data_;
  Browser browser_, stranger_;
  std::vector<Upload> uploads_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  Client client(input);
  for (int step = 0; step < 40 && input.remaining_bytes() > 0; ++step) client.act();
  return 0;
}
