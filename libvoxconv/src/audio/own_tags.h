#pragma once
#include "voxconv/audio_io.h"

namespace voxconv {

/// The keys of the tags that are voxconv's own: what a file says of how it was made.
namespace own_tag {
inline constexpr const char* ai_converted = "voxconv_ai_converted";  ///< "yes"
inline constexpr const char* voice = "voxconv_voice";
inline constexpr const char* backing_voice = "voxconv_backing_voice";  ///< of a cover whose backing vocals have a voice of their own
inline constexpr const char* voice_version = "voxconv_voice_version";
inline constexpr const char* version = "voxconv_version";
inline constexpr const char* seed = "voxconv_seed";
inline constexpr const char* cover = "voxconv_cover";  ///< "yes": a cover, whether anything in it is converted or not
inline constexpr const char* stem = "voxconv_stem";    ///< which one of a song
inline constexpr const char* song = "voxconv_song";    ///< of kept vocals: what they were separated from
inline constexpr const char* scale = "voxconv_scale";  ///< of kept vocals: what their samples were multiplied by
}  // namespace own_tag

/// Whether a file says that it is a result: converted, a cover, or a stem of another one.
bool is_result(const Tags& tags);

}  // namespace voxconv
