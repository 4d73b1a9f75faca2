#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace webwrap {

struct Config;

struct Mail {
  std::string to, subject, text;
  /// Where a mail that was subscribed to is unsubscribed from: by a POST, or by a person who opens it (RFC 2369, RFC 8058). Empty: this one
  /// was asked for.
  std::string unsubscribe = {};
  /// Waits behind all others: anybody can cause many such mails, and they must not keep anyone from signing up.
  bool can_wait = false;
};

/// Sends mail. Thread-safe. Throws std::runtime_error where the server refuses or cannot be reached.
class Mailer {
 public:
  virtual ~Mailer() = default;
  virtual void send(const Mail&) = 0;
};

/// The server will not take this mail, however often it is tried.
class MailRefused : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the configuration asks for: an Outbox before the SMTP server of smtp_url, or before the log without one. Throws
/// std::runtime_error for a mail_from or smtp_url that cannot be used.
std::unique_ptr<Mailer> make_mailer(const Config&);

/// For a service without a mail server: the mail, and so the link in it, goes to the log.
class LogMailer : public Mailer {
 public:
  void send(const Mail&) override;
};

/// Takes mails at once and sends them one after the other in a thread of its own, trying again after each of `delays` where that fails; a
/// refused mail is not tried again. What it gives up is logged without the text. When it ends it tries each mail that waits once more,
/// until one fails.
class Outbox : public Mailer {
 public:
  using Delays = std::vector<std::chrono::milliseconds>;

  explicit Outbox(std::unique_ptr<Mailer> mailer, Delays delays = default_delays(), std::size_t capacity = 1000);
  ~Outbox() override;
  /// Throws std::runtime_error where `capacity` mails wait already; for those that can wait half of that, so that others always find room.
  /// Of subscribed ones `most_subscribed` may wait: whoever sends many has them on disk, here they are lost when the service is killed.
  void send(const Mail&) override;

  static Delays default_delays();  ///< from seconds to an hour
  static constexpr std::size_t most_subscribed = 50;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Waiting {
    Mail mail;
    std::size_t failures = 0;
    Time due;
  };
  void run();
  std::deque<Waiting>::iterator next_mail();
  bool try_to_send(const Waiting& waiting, bool& may_help);

  std::unique_ptr<Mailer> mailer_;
  const Delays delays_;
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace webwrap
