#include "mail/mailer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "config/config.h"
#include "log/log.h"
#include "mail/smtp_mailer.h"

namespace webwrap {

using namespace std::chrono_literals;

void LogMailer::send(const Mail& mail) {
  log(Level::info, "mail (no smtp_url is set)", {{"to", mail.to}, {"subject", mail.subject}, {"text", mail.text}});
}

Outbox::Delays Outbox::default_delays() { return {5s, 30s, 2min, 10min, 1h}; }

Outbox::Outbox(std::unique_ptr<Mailer> mailer, Delays delays, std::size_t capacity)
    : mailer_(std::move(mailer)), delays_(std::move(delays)), capacity_(capacity), thread_([this] { run(); }) {}

Outbox::~Outbox() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Outbox::send(const Mail& mail) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t most = mail.can_wait ? capacity_ / 2 : capacity_;
    if (waiting_.size() >= most) throw std::runtime_error(fmt::format("{} mails wait to be sent already.", most));
    const auto is_subscribed = [](const Waiting& one) { return !one.mail.unsubscribe.empty(); };
    if (!mail.unsubscribe.empty() && std::count_if(waiting_.begin(), waiting_.end(), is_subscribed) >= std::ptrdiff_t(most_subscribed))
      throw std::runtime_error(fmt::format("{} mails to subscribers wait to be sent already.", most_subscribed));
    waiting_.push_back({mail, 0, std::chrono::steady_clock::now()});
  }
  changed_.notify_all();
}

bool Outbox::try_to_send(const Waiting& waiting, bool& may_help) {
  try {
    mailer_->send(waiting.mail);
    return true;
  } catch (const std::exception& error) {
    may_help = waiting.failures < delays_.size() && !dynamic_cast<const MailRefused*>(&error);
    log(may_help ? Level::warning : Level::error, may_help ? "mail failed, will be tried again" : "mail given up",
        {{"subject", waiting.mail.subject}, {"failures", waiting.failures + 1}, {"error", error.what()}});
    return false;
  }
}

/// The one that is due first; of those that are due now, those that can wait last.
std::deque<Outbox::Waiting>::iterator Outbox::next_mail() {
  const Time now = std::chrono::steady_clock::now();
  const auto rank = [&](const Waiting& one) { return std::tuple(one.due > now, one.due <= now && one.mail.can_wait, one.due); };
  return std::min_element(waiting_.begin(), waiting_.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

void Outbox::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto next = next_mail();
    if (next == waiting_.end()) {
      if (stopping_) return;
      changed_.wait(lock);
      continue;
    }
    if (!stopping_ && next->due > std::chrono::steady_clock::now()) {
      const Time due = next->due;
      changed_.wait_until(lock, due);
      continue;
    }
    Waiting now = std::move(*next);
    waiting_.erase(next);
    const bool last_try = stopping_;
    lock.unlock();
    bool may_help = false;
    const bool sent = try_to_send(now, may_help);
    lock.lock();
    if (!sent && last_try) {
      if (!waiting_.empty()) log(Level::error, "mails given up at shutdown", {{"count", waiting_.size()}});
      return;
    }
    if (!sent && may_help) {
      now.due = std::chrono::steady_clock::now() + delays_[now.failures++];
      waiting_.push_back(std::move(now));
    }
  }
}

std::unique_ptr<Mailer> make_mailer(const Config& config) {
  if (config.smtp_url.empty()) return std::make_unique<Outbox>(std::make_unique<LogMailer>());
  return std::make_unique<Outbox>(make_smtp_mailer(config));
}

}  // namespace webwrap
