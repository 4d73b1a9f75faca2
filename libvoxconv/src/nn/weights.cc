#include "voxconv/weights.h"

#include <fmt/ranges.h>

#include <filesystem>

#include "core/boundary.h"
#include "nn/checkpoint/checkpoint.h"
#include "nn/finite.h"
#include "nn/safetensors.h"

namespace voxconv {
namespace {

using Kind = nn::PickleValue::Kind;

std::string verdict_of(const nn::Checkpoint& file) {
  if (file.records().empty()) return "safe: only tensors and plain data";
  return fmt::format("safe: only tensors and plain data; read as inert records: {}", fmt::join(file.records(), ", "));
}

/// Control characters could mean something to a terminal.
std::string without_controls(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  return text;
}

std::map<std::string, std::string> plain_values(const nn::PickleValue& root) {
  std::map<std::string, std::string> values;
  for (const auto& [key, text] : nn::plain_texts(root)) values[without_controls(key)] = without_controls(text);
  return values;
}

}  // namespace

WeightsInfo inspect_weights(const std::string& path) try {
  const nn::Checkpoint file = nn::open_checkpoint(path);
  WeightsInfo info;
  info.format = file.format();
  info.verdict = verdict_of(file);
  info.bytes = std::filesystem::file_size(path);
  info.metadata = file.metadata().empty() ? plain_values(file.root()) : file.metadata();
  if (!file.root().is(Kind::dict)) return info;
  for (const auto& [name, tensor] : file.state_dict(file.root())) {
    info.tensors.push_back({without_controls(name), nn::type_name(tensor.scalar_type()), tensor.sizes().vec(), nn::all_finite(tensor)});
    info.parameters += std::uint64_t(tensor.numel());
  }
  return info;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
