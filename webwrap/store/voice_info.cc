#include "store/voice_info.h"

namespace webwrap {

voxconv::VoiceInfo info_of(const OwnVoice& own) {
  voxconv::VoiceInfo info;
  info.name = own.id;
  info.title = own.title;
  info.description = own.description;
  info.language = own.language;
  info.gender = own.gender;
  info.f0_low = own.f0_low;
  info.f0_median = own.f0_median;
  info.f0_high = own.f0_high;
  info.licence = "For conversions on this service, as long as its owner offers it.";
  info.consent = "Its owner made it here of recordings of the own voice, and consented by a spoken phrase that was checked.";
  info.version = "1.0.0";
  info.sha256 = own.sha256;
  return info;
}

std::optional<voxconv::VoiceInfo> voice_of_song(Transaction& transaction, const Song& song,
                                                const std::vector<voxconv::VoiceInfo>& installed) {
  for (const voxconv::VoiceInfo& voice : installed)
    if (voice.name == song.voice) return voice;
  const auto own = transaction.voices().find(song.voice);
  if (!own || !own->is_open_to(song.account)) return std::nullopt;
  return info_of(*own);
}

}  // namespace webwrap
