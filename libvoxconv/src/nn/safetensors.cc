#include "nn/safetensors.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "nn/extents.h"
#include "nn/mapped_file.h"

namespace voxconv::nn {
namespace {

using nlohmann::json;

constexpr std::uint64_t max_header_bytes = 100'000'000;  // the format's own limit

struct TypeName {
  const char* name;
  torch::ScalarType type;
};
constexpr TypeName type_names[] = {{"F32", torch::kFloat}, {"F16", torch::kHalf}, {"BF16", torch::kBFloat16}, {"F64", torch::kDouble},
                                   {"I64", torch::kLong},  {"I32", torch::kInt},  {"I16", torch::kShort},     {"I8", torch::kChar},
                                   {"U8", torch::kByte},   {"BOOL", torch::kBool}};

/// The format's name of a type; null: it has none.
const char* name_of(torch::ScalarType type) {
  const auto* found = std::find_if(std::begin(type_names), std::end(type_names), [&](const TypeName& t) { return t.type == type; });
  return found == std::end(type_names) ? nullptr : found->name;
}

}  // namespace

Safetensors::Safetensors(const std::string& path) : path_(path) {
  const MappedFile file = map_file(path, 8);
  data_ = file.data;
  const std::uint64_t size = file.size;
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, data_.get(), sizeof header_bytes);
  if (header_bytes > max_header_bytes || header_bytes > size - 8)
    fail(ErrorCode::bad_model, "{} is no safetensors file or is truncated: its header claims {} bytes of {}.", path, header_bytes, size);
  payload_ = 8 + header_bytes;
  const std::uint64_t payload_bytes = size - payload_;

  const char* text = reinterpret_cast<const char*>(data_.get()) + 8;
  const json header = json::parse(text, text + header_bytes, nullptr, false);
  if (!header.is_object()) fail(ErrorCode::bad_model, "{}: the safetensors header is not a JSON object.", path);

  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  try {
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        metadata_ = value.get<std::map<std::string, std::string>>();
        continue;
      }
      const auto dtype = value.at("dtype").get<std::string>();
      const auto* type = std::find_if(std::begin(type_names), std::end(type_names), [&](const TypeName& t) { return dtype == t.name; });
      if (type == std::end(type_names)) fail(ErrorCode::bad_model, "{}: tensor {} has the unknown dtype {}.", path, name, dtype);
      Entry entry{type->type, {}, value.at("data_offsets").at(0).get<std::uint64_t>(), value.at("data_offsets").at(1).get<std::uint64_t>()};
      std::uint64_t bytes = torch::elementSize(type->type);
      for (const auto& item : value.at("shape")) {
        const auto extent = item.get<std::uint64_t>();
        if (extent > payload_bytes + 1 || (extent != 0 && bytes > payload_bytes / extent))
          fail(ErrorCode::bad_model, "{}: tensor {} is larger than the file.", path, name);
        bytes *= extent;
        entry.shape.push_back(static_cast<std::int64_t>(extent));
      }
      if (!extents_can_be(entry.shape)) fail(ErrorCode::bad_model, "{}: tensor {} is empty and yet too large.", path, name);
      if (entry.begin > entry.end || entry.end > payload_bytes || entry.end - entry.begin != bytes)
        fail(ErrorCode::bad_model, "{}: tensor {} has offsets {}..{}, which do not fit its shape or the file; is it truncated?", path, name,
             entry.begin, entry.end);
      ranges.emplace_back(entry.begin, entry.end);
      entries_.emplace(name, std::move(entry));
    }
  } catch (const json::exception& e) {
    fail(ErrorCode::bad_model, "{}: malformed safetensors header: {}.", path, e.what());
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].first < ranges[i - 1].second) fail(ErrorCode::bad_model, "{}: tensors overlap in the file.", path);
}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> result;
  for (const auto& [name, entry] : entries_) result.push_back(name);
  return result;
}

torch::Tensor Safetensors::get(const std::string& name) const {
  const auto it = entries_.find(name);
  if (it == entries_.end()) fail(ErrorCode::bad_model, "{} lacks the tensor {}.", path_, name);
  const Entry& entry = it->second;
  auto* address = const_cast<std::uint8_t*>(data_.get() + payload_ + entry.begin);
  const auto options = torch::TensorOptions().dtype(entry.type);
  if (reinterpret_cast<std::uintptr_t>(address) % torch::elementSize(entry.type) != 0) {
    // Other writers do not always align; copy bytewise then.
    torch::Tensor copy = torch::empty(entry.shape, options);
    std::copy_n(address, entry.end - entry.begin, static_cast<std::uint8_t*>(copy.data_ptr()));
    return copy;
  }
  return torch::from_blob(
      address, entry.shape, [keep = data_](void*) {}, options);
}

StateDict Safetensors::tensors() const {
  StateDict result;
  for (const auto& [name, entry] : entries_) result[name] = get(name);
  return result;
}

std::string type_name(torch::ScalarType type) {
  const char* name = name_of(type);
  return name ? name : torch::toString(type);
}

void save_safetensors(const std::string& path, const std::map<std::string, torch::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::vector<torch::Tensor> payload;
  std::uint64_t offset = 0;
  for (const auto& [name, value] : tensors) {
    const torch::Tensor tensor = value.detach().to(torch::kCPU).contiguous();
    const char* type = name_of(tensor.scalar_type());
    if (!type) fail(ErrorCode::internal, "save_safetensors: dtype of {} has no safetensors name.", name);
    header[name] = {{"dtype", type}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, offset + tensor.nbytes()}}};
    offset += tensor.nbytes();
    payload.push_back(tensor);
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // keeps the payload aligned
  AtomicFile file(path);
  {
    std::ofstream out(file.path(), std::ios::binary);
    const std::uint64_t bytes = text.size();
    out.write(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    for (const torch::Tensor& tensor : payload)
      out.write(static_cast<const char*>(tensor.data_ptr()), static_cast<std::streamsize>(tensor.nbytes()));
    out.flush();
    if (!out) fail(ErrorCode::io, "Cannot write {}: {}.", path, std::strerror(errno));
  }
  file.commit();
}

}  // namespace voxconv::nn
