#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/context.h"
#include "store/store.h"
#include "voxconv/voice.h"

namespace webwrap {

/// A voice that somebody may convert with.
struct OfferedVoice {
  voxconv::VoiceInfo info;
  std::optional<OwnVoice> own;  ///< a member's; none: it is installed here
  std::string key;              ///< what its asker calls it by: its name, or the secret of its link
};

/// The voices that are installed here, read anew every few seconds at most. Thread-safe.
std::vector<voxconv::VoiceInfo> installed_voices();

/// By its name, the id of a member's voice that is published or the asker's own, or the secret of a voice's link; never by a path: names
/// come from clients. `asker` may be null.
std::optional<OfferedVoice> find_voice(const Context&, const Account* asker, const std::string& name);

/// Whether a voice that find_voice() gave can be used still, in the transaction that takes a job: it may have been withdrawn meanwhile.
bool is_open_voice(Transaction&, const Id& account, const std::string& name);

}  // namespace webwrap
