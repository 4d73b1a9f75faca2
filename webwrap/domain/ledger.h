#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "domain/clock.h"

namespace webwrap {

/// Credits, whole ones. Money never passes through floating point.
using Credits = std::int64_t;

/// One side of an entry. Accounts are named "user:<id>" (can spend), "reserved:<id>" (set aside for running jobs), "platform:granted" (free
/// credits given), "platform:sold", "platform:revenue" (captured by jobs).
struct Posting {
  std::string account;
  Credits amount = 0;  ///< added to the account; negative: taken from it
};

/// A double entry: its postings sum to 0. Never changed or removed once written.
struct LedgerEntry {
  std::string key;   ///< unique; writing the same key again does nothing: "job:<id>:reserve", "stripe:<session>:sold" ...
  std::string kind;  ///< grant, purchase, reserve, capture, release, refund, dispute, dispute_won
  std::string note;  ///< for the user's history; nothing that a user wrote, for it stays when the account is deleted
  std::vector<Posting> postings;
  Seconds time = 0;
};

std::string user_account(const std::string& user_id);
std::string reserved_account(const std::string& user_id);

LedgerEntry grant_entry(const std::string& user_id, Credits amount, const std::string& key, const std::string& note);
LedgerEntry purchase_entry(const std::string& user_id, Credits amount, const std::string& session_id, const std::string& note);
/// Of a job: reserve when it is accepted; then capture when it succeeded, or release when it failed or was cancelled.
LedgerEntry reserve_entry(const std::string& user_id, const std::string& job_id, Credits amount, const std::string& note = {});
LedgerEntry capture_entry(const std::string& user_id, const std::string& job_id, Credits amount, const std::string& note = {});
LedgerEntry release_entry(const std::string& user_id, const std::string& job_id, Credits amount, const std::string& note = {});
/// Takes sold credits back (the balance may become negative); `kind` refund or dispute; a negative amount gives them again (dispute_won).
LedgerEntry reversal_entry(const std::string& user_id, Credits amount, const std::string& key, const std::string& kind,
                           const std::string& note);

/// Throws std::logic_error unless the postings sum to 0, none is 0 and the key is not empty.
void check(const LedgerEntry& entry);

/// Price of `seconds` of audio: every started minute costs `credits_per_minute`; at least one minute.
Credits price_of(double seconds, Credits credits_per_minute);

}  // namespace webwrap
