#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "domain/ledger.h"

namespace webwrap {

/// Money as Stripe counts it: whole numbers of the currency's smallest unit (https://docs.stripe.com/currencies).
using Money = std::int64_t;

/// Thousandths of the smallest unit: what shares of a credit's price come to, exactly.
using Mills = std::int64_t;

constexpr Mills mills_per_unit = 1000;

// The accounts of the books of money, one set for each currency ("eur"). Negative: came from there.

std::string fans_account(const std::string& currency);                              ///< what fans paid (negative)
std::string connected_account(const std::string& currency, const std::string& id);  ///< lies in the artist's own account at Stripe
std::string service_account(const std::string& currency);                           ///< the service's share of what fans paid
std::string bank_account(const std::string& currency, const std::string& id);       ///< paid out by Stripe to the artist's bank
std::string royalty_costs_account(const std::string& currency);                     ///< what the service paid to voices' owners (negative)

// In mills: royalties earned and not yet transferred.

std::string royalties_account(const std::string& currency, const std::string& id);  ///< owed to the owner of a voice
std::string royalties_owed_account(const std::string& currency);                    ///< the service's side of it (negative)
std::string royalties_paid_account(const std::string& currency, const std::string& id);

// Of what a closed account at Stripe left (webwrap settle).

std::string outside_account(const std::string& currency, const std::string& id);  ///< what was paid to its owner in another way
std::string written_off_account(const std::string& currency);                     ///< what nobody got

/// What an account's amounts are counted in: "money:eur", "money:eur/1000"; empty: credits.
std::string_view unit_of(std::string_view account);

/// `part` of `whole` of `amount`, rounded down: what of a fee or share belongs to a part. whole > 0.
std::int64_t share_of(std::int64_t amount, std::int64_t part, std::int64_t whole);

/// The royalty of `credits` at so many mills each, rounded down; 0 <= permille <= 1000.
Mills royalty_of(Credits credits, Mills credit_price, int permille);

}  // namespace webwrap
