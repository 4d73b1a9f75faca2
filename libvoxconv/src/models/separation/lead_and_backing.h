#pragma once
#include <memory>

#include "models/separation/separator.h"

namespace voxconv {

/// Two models as one: `vocals` finds all vocals of a song, and `karaoke`, whose vocals are the lead voice, the "lead" in these; "backing"
/// is what remains of them. The second hears what the first has found, not the song: so whatever the first one leaves in the music, or
/// takes for vocals, is the same in all three, instead of being the difference of two opinions. Throws Error(usage) where the two cannot be
/// put together.
std::shared_ptr<const SeparationModel> lead_and_backing(std::shared_ptr<const SeparationModel> vocals,
                                                        std::shared_ptr<const SeparationModel> karaoke);

}  // namespace voxconv
