#include "domain/money.h"

#include <fmt/format.h>

#include <stdexcept>

namespace webwrap {
namespace {

std::string named(const std::string& unit, const std::string& name) { return fmt::format("money:{}:{}", unit, name); }
std::string mills(const std::string& currency) { return currency + "/1000"; }

}  // namespace

std::string fans_account(const std::string& currency) { return named(currency, "fans"); }
std::string connected_account(const std::string& currency, const std::string& id) { return named(currency, "connected:" + id); }
std::string service_account(const std::string& currency) { return named(currency, "service"); }
std::string bank_account(const std::string& currency, const std::string& id) { return named(currency, "bank:" + id); }
std::string royalty_costs_account(const std::string& currency) { return named(currency, "royalty_costs"); }
std::string outside_account(const std::string& currency, const std::string& id) { return named(currency, "outside:" + id); }
std::string written_off_account(const std::string& currency) { return named(currency, "written_off"); }
std::string royalties_account(const std::string& currency, const std::string& id) { return named(mills(currency), "royalties:" + id); }
std::string royalties_owed_account(const std::string& currency) { return named(mills(currency), "royalties_owed"); }
std::string royalties_paid_account(const std::string& currency, const std::string& id) { return named(mills(currency), "paid:" + id); }

std::string_view unit_of(std::string_view account) {
  constexpr std::string_view prefix = "money:";
  if (!account.starts_with(prefix)) return {};
  return account.substr(0, account.find(':', prefix.size()));
}

std::int64_t share_of(std::int64_t amount, std::int64_t part, std::int64_t whole) {
  if (whole <= 0) throw std::logic_error("A part of nothing has no share.");
  return static_cast<std::int64_t>(static_cast<__int128>(amount) * part / whole);
}

Mills royalty_of(Credits credits, Mills credit_price, int permille) {
  return static_cast<Mills>(static_cast<__int128>(credits) * credit_price * permille / 1000);
}

}  // namespace webwrap
