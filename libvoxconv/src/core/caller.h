#pragma once
#include <functional>
#include <utility>

namespace voxconv {

/// Marks the exception that is being handled as the caller's own and throws it on: throw_as_error() lets it pass as it is.
[[noreturn]] void throw_as_callers();

/// Calls into code of the caller's (callbacks, its readers and writers): what that throws leaves the library as it is.
template <class Call>
decltype(auto) call_caller(Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    throw_as_callers();
  }
}

/// A callback of the caller's through call_caller(); empty where it is. It must outlive the result.
template <class... Args>
std::function<void(Args...)> of_caller(const std::function<void(Args...)>& callback) {
  if (!callback) return {};
  return [&callback](Args... args) { call_caller([&] { callback(std::forward<Args>(args)...); }); };
}

}  // namespace voxconv
