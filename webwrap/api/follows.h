#pragma once
#include <string>

#include "api/context.h"
#include "store/store.h"

namespace webwrap {

/// The form on an artist's page, as HTML, for who looks at it: an address of mail to type for strangers, one button for members whose
/// address is known. It needs no scripts.
std::string follow_form(Transaction&, const Artist&, const std::optional<Account>& visitor);

/// Tells followers of new songs: writes some of the mails that wait to be written. Called every few seconds; how many it wrote.
int send_mailings(const Context&);
/// Removes follows that were never confirmed.
void clean_up_follows(const Context&);

}  // namespace webwrap
