#include "models/voice_model.h"

#include "core/fail.h"

namespace voxconv {

std::vector<float> VoiceModel::convert_whole(const WholeSong&) const {
  fail(ErrorCode::usage, "This voice has no exact mode: that is for voices of RVC, whose own way of converting it follows.");
}

}  // namespace voxconv
