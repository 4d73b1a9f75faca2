#pragma once
#include <nlohmann/json.hpp>

#include "http/message.h"
#include "store/store.h"

namespace webwrap {

/// An answer with a JSON body. Text of unknown origin that is not UTF-8 is repaired, not refused.
http::Response json_response(int status, const nlohmann::json& body);
/// 204.
http::Response empty_response();

/// The account as its owner sees it, with the credits of the ledger.
nlohmann::json account_view(Transaction&, const Account&);
http::Response account_response(Store&, int status, const Account&);

}  // namespace webwrap
