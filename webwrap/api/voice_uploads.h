#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/config.h"
#include "store/store.h"

namespace webwrap {

/// How much of a recording counts: all that is trained from was compared with the speaker of the consent.
double counted_s(const Recording&);

/// What of a voice's recordings can be trained from, and whether all have been looked at.
struct Gathered {
  std::vector<Recording> recordings;  ///< without phrases
  double usable_s = 0;
  bool all_ready = true;
};
Gathered gathered(Transaction&, const Id& voice);

/// Reads what an upload says of itself: that it is a recording of a voice (voice), or the phrase of a try to consent (consent).
void read_voice_of_upload(const std::map<std::string, std::string>& metadata, Recording&);
/// Throws ServiceError(422 | 409) where it cannot be; in the transaction that adds it, since the voice may go on in between.
void require_voice_of_upload(Transaction&, const Recording&, Seconds now);

/// An upload of a phrase is complete: it is to be checked, or came too late.
void note_spoken(const Config&, Transaction&, const Recording&, Seconds now);

/// Everything that is kept about a voice, for its owner.
nlohmann::json export_of(const OwnVoice&, const std::vector<Consent>&);

}  // namespace webwrap
