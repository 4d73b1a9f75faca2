#include "mail/smtp_mailer.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include "mail/mime.h"

namespace webwrap {
namespace {

constexpr long connect_timeout_s = 15, timeout_s = 60;

std::size_t read_message(char* target, std::size_t size, std::size_t count, void* source) {
  auto& rest = *static_cast<std::string_view*>(source);
  const std::size_t taken = std::min(size * count, rest.size());
  std::copy_n(rest.data(), taken, target);
  rest.remove_prefix(taken);
  return taken;
}

bool is_this_machine(const std::string& url) {
  const std::string_view rest = std::string_view(url).substr(url.find("://") + 3);
  const std::string_view host = rest.substr(0, rest.starts_with('[') ? rest.find(']') + 1 : rest.find_first_of(":/"));
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

class SmtpMailer : public Mailer {
 public:
  explicit SmtpMailer(const Config& config)
      : url_(config.smtp_url), user_(config.smtp_user), password_(config.smtp_password), from_(parse_mailbox(config.mail_from)) {
    if (!url_.starts_with("smtp://") && !url_.starts_with("smtps://"))
      throw std::runtime_error(fmt::format("smtp_url is \"{}\": expected smtp://host:port or smtps://host:port.", url_));
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) throw std::runtime_error("libcurl could not be started.");
  }
  ~SmtpMailer() override { curl_global_cleanup(); }

  void send(const Mail& mail) override {
    const std::string message = mime_message(mail, from_, std::time(nullptr));
    std::string_view rest = message;
    const std::string sender = fmt::format("<{}>", from_.address), recipient = fmt::format("<{}>", parse_mailbox(mail.to).address);
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients(curl_slist_append(nullptr, recipient.c_str()),
                                                                                 curl_slist_free_all);
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(), curl_easy_cleanup);
    if (!handle || !recipients) throw std::bad_alloc();
    CURL* curl = handle.get();
    std::array<char, CURL_ERROR_SIZE> error{};
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(is_this_machine(url_) ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (!user_.empty()) {
      curl_easy_setopt(curl, CURLOPT_USERNAME, user_.c_str());
      curl_easy_setopt(curl, CURLOPT_PASSWORD, password_.c_str());
    }
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, sender.c_str());
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_message);
    curl_easy_setopt(curl, CURLOPT_READDATA, &rest);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");  // the environment's proxies are for the web
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
    const CURLcode result = curl_easy_perform(curl);
    if (result == CURLE_OK) return;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    const std::string why = fmt::format("The mail server did not take a mail: {}.", error[0] ? error.data() : curl_easy_strerror(result));
    if (status >= 550 && status <= 554) throw MailRefused(why);
    throw std::runtime_error(why);
  }

 private:
  std::string url_, user_, password_;
  Mailbox from_;
};

}  // namespace

std::unique_ptr<Mailer> make_smtp_mailer(const Config& config) { return std::make_unique<SmtpMailer>(config); }

}  // namespace webwrap
