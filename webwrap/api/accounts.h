#pragma once
#include <nlohmann/json.hpp>

#include "api/context.h"

namespace webwrap {

/// Everything that is kept about an account, for its owner: no secrets, no hashes.
nlohmann::json export_account(Transaction&, const Account&);

/// Gives the free credits, once the account's e-mail address is known to be its owner's: else they could be had
/// again and again with invented addresses. The ledger's key gives them once to an account, and a
/// rate limit once in 180 days to an e-mail address, whatever accounts were deleted meanwhile.
void grant_free_credits(Transaction&, const Config&, const Account&, Seconds now);

/// Removes the account, what it owns and its audio. The books stay, under its id.
void remove_account(const Context&, const Account&);

/// Removes sessions that ran out, and guests who have none any more, with their audio: nobody could reach it. A few guests at a time.
/// Returns how many. To be called now and then.
int clean_up_accounts(const Context&);

/// Moves a guest's recordings, songs and jobs, running ones too, to the member who logs in, and removes the guest. Does nothing where
/// the account has become a member's own meanwhile.
void merge_guest(Transaction&, const Account& guest, const Account& member, Seconds now);

}  // namespace webwrap
