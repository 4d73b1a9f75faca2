#pragma once
#include <optional>
#include <vector>

#include "store/store.h"
#include "voxconv/voice.h"

namespace webwrap {

/// A member's voice as its bundle says, but with the words that its owner has given it since.
voxconv::VoiceInfo info_of(const OwnVoice&);

/// The voice of a song, if it is offered still to who made the song: one of `installed`, or a member's.
std::optional<voxconv::VoiceInfo> voice_of_song(Transaction&, const Song&, const std::vector<voxconv::VoiceInfo>& installed);

}  // namespace webwrap
