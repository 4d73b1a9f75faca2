#include "api/auth.h"
#include "api/json_views.h"
#include "api/routes.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr int max_history = 500;

http::Response get_credits(const Context& context, const http::Request& request) {
  const Account account = require_member(context, request);
  json answer;
  context.store.read([&](Transaction& transaction) {
    json history = json::array();
    for (const HistoryLine& line : transaction.ledger().history(account.id, max_history))
      history.push_back(
          {{"kind", line.kind}, {"note", line.note}, {"amount", line.amount}, {"balance", line.balance}, {"time", line.time}});
    answer = {{"balance", transaction.ledger().balance(user_account(account.id))},
              {"reserved", transaction.ledger().balance(reserved_account(account.id))},
              {"history", std::move(history)}};
  });
  return json_response(200, answer);
}

}  // namespace

void add_credit_routes(http::Router& router, Context& context) { add_route(router, context, http::Method::get, "/credits", get_credits); }

}  // namespace webwrap
