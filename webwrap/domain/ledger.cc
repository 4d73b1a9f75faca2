#include "domain/ledger.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "domain/money.h"

namespace webwrap {
namespace {

const char granted[] = "platform:granted", sold[] = "platform:sold", revenue[] = "platform:revenue";

LedgerEntry move_entry(std::string key, std::string kind, const std::string& note, const std::string& from, const std::string& to,
                       Credits amount) {
  LedgerEntry entry;
  entry.key = std::move(key);
  entry.kind = std::move(kind);
  entry.note = note;
  entry.postings = {{from, -amount}, {to, amount}};
  return entry;
}

std::string job_key(const std::string& job_id, const char* step) { return "job:" + job_id + ":" + step; }

}  // namespace

std::string user_account(const std::string& user_id) { return "user:" + user_id; }
std::string reserved_account(const std::string& user_id) { return "reserved:" + user_id; }

LedgerEntry grant_entry(const std::string& user_id, Credits amount, const std::string& key, const std::string& note) {
  return move_entry(key, "grant", note, granted, user_account(user_id), amount);
}

LedgerEntry purchase_entry(const std::string& user_id, Credits amount, const std::string& session_id, const std::string& note) {
  return move_entry("stripe:" + session_id + ":sold", "purchase", note, sold, user_account(user_id), amount);
}

LedgerEntry reserve_entry(const std::string& user_id, const std::string& job_id, Credits amount, const std::string& note) {
  return move_entry(job_key(job_id, "reserve"), "reserve", note, user_account(user_id), reserved_account(user_id), amount);
}

LedgerEntry capture_entry(const std::string& user_id, const std::string& job_id, Credits amount, const std::string& note) {
  return move_entry(job_key(job_id, "capture"), "capture", note, reserved_account(user_id), revenue, amount);
}

LedgerEntry release_entry(const std::string& user_id, const std::string& job_id, Credits amount, const std::string& note) {
  return move_entry(job_key(job_id, "release"), "release", note, reserved_account(user_id), user_account(user_id), amount);
}

LedgerEntry reversal_entry(const std::string& user_id, Credits amount, const std::string& key, const std::string& kind,
                           const std::string& note) {
  return move_entry(key, kind, note, user_account(user_id), sold, amount);
}

void check(const LedgerEntry& entry) {
  if (entry.key.empty()) throw std::logic_error("A ledger entry needs a key.");
  if (entry.postings.empty()) throw std::logic_error("Ledger entry " + entry.key + " has no postings.");
  Credits sum = 0;
  for (const Posting& posting : entry.postings) {
    if (posting.amount == 0) throw std::logic_error("Ledger entry " + entry.key + " posts 0 credits to " + posting.account + ".");
    if (unit_of(posting.account) != unit_of(entry.postings.front().account))
      throw std::logic_error("Ledger entry " + entry.key + " mixes units: " + entry.postings.front().account + ", " + posting.account +
                             ".");
    if (__builtin_add_overflow(sum, posting.amount, &sum))
      throw std::logic_error("Ledger entry " + entry.key + " has an amount out of range.");
  }
  if (sum != 0) throw std::logic_error("Ledger entry " + entry.key + " sums to " + std::to_string(sum) + " credits, not 0.");
}

Credits price_of(double seconds, Credits credits_per_minute) {
  // Whole milliseconds, so that the last bit of a duration never starts another minute; a week is longer than anything accepted.
  const double most = 7 * 24 * 3600;
  const std::int64_t ms = std::isfinite(seconds) ? std::llround(std::clamp(seconds, 0.0, most) * 1000) : 0;
  return std::max<std::int64_t>((ms + 59'999) / 60'000, 1) * credits_per_minute;
}

}  // namespace webwrap
