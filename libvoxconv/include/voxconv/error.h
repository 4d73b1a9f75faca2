#pragma once
#include <stdexcept>
#include <string>

namespace voxconv {

/// What went wrong, in a form programs can branch on. The values are stable (docs/versioning.md).
enum class ErrorCode {
  usage,      ///< an option or argument has a value that makes no sense
  not_found,  ///< a file, voice or weight that was named does not exist
  bad_audio,  ///< audio that is corrupt, empty or in a format that is not supported
  bad_model,  ///< a model file or bundle that is corrupt, incomplete or of a wrong kind
  device,     ///< the device asked for is not there or ran out of memory
  io,         ///< reading or writing failed (disk full, no permission ...)
  cancelled,  ///< the caller asked to stop
  internal,   ///< a bug of ours
  network     ///< a server cannot be reached, or does not give what was asked for
};

/// Stable lower-case name of a code, e.g. "bad_audio".
const char* to_string(ErrorCode code);

/// Process exit status for a code: usage 2, bad input 3, model 4, device 5, output 6, network 7, cancelled 130, internal 1.
int exit_status(ErrorCode code);

/// Every exception voxconv throws. what() is one sentence: what, where, expected, got, what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace voxconv
