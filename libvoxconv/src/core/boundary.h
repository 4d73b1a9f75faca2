#pragma once

namespace voxconv {

/// For the handler of a public function's try block: `catch (...) { throw_as_error(); }`. Throws the exception that is being handled as the
/// Error it amounts to: what the standard library, LibTorch and the other libraries throw never leaves this one. Memory that ran out is
/// Error(device). Exceptions of the caller's own, thrown in a callback, pass as they are.
[[noreturn]] void throw_as_error();

}  // namespace voxconv
