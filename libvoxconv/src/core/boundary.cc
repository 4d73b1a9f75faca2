#include "core/boundary.h"

#include <cxxabi.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>

#include "core/caller.h"
#include "core/fail.h"

namespace voxconv {
namespace {

constexpr const char* out_of_memory =
    "Memory ran out: this needs more than the process may take. Run fewer jobs at the same time, close other programs, or use a smaller "
    "model.";

std::string type_name(const std::exception& e) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &status), &std::free);
  return name ? name.get() : typeid(e).name();
}

/// Whether a type is one of those that the libraries below throw. By its name, for LibTorch is not seen in this layer.
bool is_foreign(std::string_view type) {
  constexpr std::string_view namespaces[] = {"std::", "c10::", "at::", "torch::", "caffe2::", "dnnl::", "ideep::", "faiss::", "fmt::"};
  return std::ranges::any_of(namespaces, [&](std::string_view name) { return type.starts_with(name); });
}

/// LibTorch puts a stack trace behind its message, and the place in its sources before it.
std::string without_trace(std::string_view what) {
  what = what.substr(0, what.find('\n'));
  if (what.starts_with("[enforce fail")) what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
  while (what.ends_with('.') || what.ends_with(' ')) what.remove_suffix(1);
  return std::string(what);
}

bool speaks_of_memory(std::string_view what) {
  std::string lower(what.substr(0, what.find('\n')));
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  for (const char* words : {"out of memory", "allocate memory", "not enough memory", "out_of_memory", "bad_alloc"})
    if (lower.find(words) != std::string::npos) return true;
  // All that oneDNN says where it finds no memory for a kernel, or for what the kernel needs.
  return lower == "could not create a primitive" || lower == "could not create a memory object" || lower == "could not execute a primitive";
}

/// The last exception of the caller's that passed through this thread: compared, never looked into.
thread_local std::exception_ptr callers;

}  // namespace

void throw_as_callers() {
  callers = std::current_exception();
  throw;
}

void throw_as_error() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {  // whoever asked for it
    throw Error(ErrorCode::device, out_of_memory);
  } catch (...) {
    if (callers && std::current_exception() == callers) throw;
  }
  try {
    throw;
  } catch (const std::filesystem::filesystem_error& e) {
    fail(ErrorCode::io, "Cannot use {}: {}.", e.path1().string(), e.code().message());
  } catch (const std::system_error& e) {
    const bool exhausted = e.code() == std::errc::resource_unavailable_try_again || e.code() == std::errc::not_enough_memory;
    fail(exhausted ? ErrorCode::device : ErrorCode::io, "The system refused: {}.", without_trace(e.what()));
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::bad_model, "A text of the model's is no JSON that can be used: {}.", without_trace(e.what()));
  } catch (const std::exception& e) {
    if (!is_foreign(type_name(e))) throw;
    if (speaks_of_memory(e.what())) throw Error(ErrorCode::device, out_of_memory);
    const std::string what = without_trace(e.what());
    if (what.starts_with("CUDA")) fail(ErrorCode::device, "The GPU failed: {}.", what);
    fail(ErrorCode::internal, "Internal error: {}. Please report it.", what);
  }
}

}  // namespace voxconv
