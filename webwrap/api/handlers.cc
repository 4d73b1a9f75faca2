#include "api/handlers.h"

#include <fmt/format.h>

#include "api/context.h"
#include "domain/id.h"
#include "store/records.h"

namespace webwrap {

using nlohmann::json;

http::Response json_response(int status, const json& body) {
  http::Response response;
  response.status = status;
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return response;
}

http::Response tagged_response(const http::Request& request, const json& body) {
  http::Response response = json_response(200, body);
  const std::string tag = fmt::format("\"{}\"", hash_secret(response.body).substr(0, 32));
  response.headers.emplace_back("ETag", tag);
  if (request.header("if-none-match").find(tag) != std::string::npos) {
    response.status = 304;
    response.body.clear();
  }
  return response;
}

http::Response empty_response() {
  http::Response response;
  response.status = 204;
  return response;
}

http::Response list_response(const Context& context, const std::function<void(Transaction&, json&)>& add) {
  json list = json::array();
  context.store.read([&](Transaction& transaction) { add(transaction, list); });
  return json_response(200, list);
}

std::string query_of(const http::Request& request, const std::string& name, const std::string& otherwise) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? otherwise : found->second;
}

json account_view(Transaction& transaction, const Account& account) {
  return {{"id", account.id},
          {"kind", name_of(account.kind)},
          {"email", account.email},
          {"name", account.name},
          {"email_verified", account.email_verified},
          {"can_have_subscribers", transaction.earnings().can_have_subscribers(account.id)},
          {"balance", transaction.ledger().balance(user_account(account.id))},
          {"reserved", transaction.ledger().balance(reserved_account(account.id))},
          {"created", account.created}};
}

http::Response account_response(Store& store, int status, const Account& account) {
  json view;
  store.read([&](Transaction& transaction) { view = account_view(transaction, account); });
  return json_response(status, view);
}

}  // namespace webwrap
