#include "voxconv/error.h"

#include "voxconv/progress.h"

namespace voxconv {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return "usage";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::bad_audio: return "bad_audio";
    case ErrorCode::bad_model: return "bad_model";
    case ErrorCode::device: return "device";
    case ErrorCode::io: return "io";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::internal: return "internal";
    case ErrorCode::network: return "network";
  }
  return "internal";
}

int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return 2;
    case ErrorCode::not_found:
    case ErrorCode::bad_audio: return 3;
    case ErrorCode::bad_model: return 4;
    case ErrorCode::device: return 5;
    case ErrorCode::io: return 6;
    case ErrorCode::cancelled: return 130;
    case ErrorCode::internal: return 1;
    case ErrorCode::network: return 7;
  }
  return 1;
}

void CancelToken::check() const {
  if (cancelled()) throw Error(ErrorCode::cancelled, "Stopped as asked.");
}

}  // namespace voxconv
