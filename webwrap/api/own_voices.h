#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "api/context.h"
#include "store/store.h"

namespace webwrap {

/// What a member agrees to by speaking the phrase; kept with each consent.
std::string own_voice_terms(const Config&);

/// The part of /config about own voices; null where there are none here.
nlohmann::json own_voice_config(const Config&);

/// Reads what an upload says of itself: that it is a recording of a voice (voice), or the phrase of a try to consent (consent).
void read_voice_of_upload(const std::map<std::string, std::string>& metadata, Recording&);
/// Throws ServiceError(422 | 409) where it cannot be; in the transaction that adds it, since the voice may go on in between.
void require_voice_of_upload(Transaction&, const Recording&, Seconds now);

/// An upload of a phrase is complete: it is to be checked, or came too late.
void note_spoken(const Config&, Transaction&, const Recording&, Seconds now);

/// Everything that is kept about a voice, for its owner.
nlohmann::json export_of(const OwnVoice&, const std::vector<Consent>&);

}  // namespace webwrap
