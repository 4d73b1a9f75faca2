#include "nn/checkpoint/torch_writer.h"

#include <bit>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "nn/checkpoint/zip_archive.h"

namespace voxconv::nn {
namespace {

using nlohmann::ordered_json;

constexpr std::uint64_t alignment = 64;  // of a storage in the file, so that it can be mapped
constexpr std::uint64_t most_bytes = 0xffff0000;

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

/// A zip file of entries stored as they are, their data at multiples of 64 bytes, so that a reader can map tensors: libzip cannot place
/// data.
class ZipWriter {
 public:
  explicit ZipWriter(std::ostream& out) : out_(out) {}

  void add(const std::string& entry, const void* data, std::uint64_t size) {
    const std::string name = "archive/" + entry;
    if (size > most_bytes || at_ > most_bytes - size) fail(ErrorCode::io, "A checkpoint of more than 4 GiB is not written.");
    const std::uint32_t crc = zip_checksum(data, size);
    // torch pads with an extra field, too.
    const std::uint64_t padding = (alignment - (at_ + 30 + name.size() + 4) % alignment) % alignment;
    std::string fields;  // common to the entry and to the directory
    put(fields, 20, 2);
    put(fields, 1 << 11, 2);  // names are UTF-8
    put(fields, 0, 2);
    put(fields, 0x21 << 16, 4);  // 1 January 1980: the same content gives the same file
    put(fields, crc, 4);
    put(fields, size, 4);
    put(fields, size, 4);
    put(fields, name.size(), 2);

    put(directory_, 0x02014b50, 4);
    put(directory_, 20, 2);
    directory_ += fields;
    directory_.append(2 + 2 + 2 + 2 + 4, '\0');
    put(directory_, at_, 4);
    directory_ += name;
    ++count_;

    std::string head;
    put(head, 0x04034b50, 4);
    head += fields;
    put(head, padding + 4, 2);
    head += name;
    put(head, 0x4246, 2);
    put(head, padding, 2);
    head.append(padding, 'Z');
    write(head.data(), head.size());
    write(data, size);
  }

  void finish() {
    std::string end;
    put(end, 0x06054b50, 4);
    put(end, 0, 4);
    put(end, count_, 2);
    put(end, count_, 2);
    put(end, directory_.size(), 4);
    put(end, at_, 4);
    put(end, 0, 2);
    write(directory_.data(), directory_.size());
    write(end.data(), end.size());
  }

 private:
  void write(const void* data, std::uint64_t size) {
    out_.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
    at_ += size;
  }

  std::ostream& out_;
  std::uint64_t at_ = 0, count_ = 0;
  std::string directory_;
};

// The few opcodes of a pickle that plain values and tensors need (protocol 2).

void put_text(std::string& out, const std::string& text) {
  out += 'X';
  put(out, text.size(), 4);
  out += text;
}

void put_integer(std::string& out, std::int64_t value) {
  if (value >= INT32_MIN && value <= INT32_MAX) {
    out += 'J';
    put(out, static_cast<std::uint64_t>(value), 4);
  } else {
    out += "\x8a\x08";
    put(out, static_cast<std::uint64_t>(value), 8);
  }
}

void put_value(std::string& out, const ordered_json& value) {
  if (value.is_null()) out += 'N';
  if (value.is_boolean()) out += value.get<bool>() ? '\x88' : '\x89';
  if (value.is_number_integer()) put_integer(out, value.get<std::int64_t>());
  if (value.is_string()) put_text(out, value.get<std::string>());
  if (value.is_number_float()) {
    const auto bits = std::bit_cast<std::uint64_t>(value.get<double>());
    out += 'G';
    for (int i = 7; i >= 0; --i) out += static_cast<char>(bits >> (8 * i) & 0xff);
  }
  if (value.is_array()) {
    out += "](";
    for (const ordered_json& item : value) put_value(out, item);
    out += 'e';
  }
  if (value.is_object()) {
    out += "}(";
    for (const auto& [key, item] : value.items()) {
      put_text(out, key);
      put_value(out, item);
    }
    out += 'u';
  }
}

const char* storage_class(torch::ScalarType type) {
  switch (type) {
    case torch::kFloat: return "FloatStorage";
    case torch::kHalf: return "HalfStorage";
    case torch::kBFloat16: return "BFloat16Storage";
    case torch::kDouble: return "DoubleStorage";
    case torch::kLong: return "LongStorage";
    default: fail(ErrorCode::internal, "save_torch_zip: no storage for the type {}.", torch::toString(type));
  }
}

void put_extents(std::string& out, torch::IntArrayRef extents) {
  out += '(';
  for (const std::int64_t extent : extents) put_integer(out, extent);
  out += 't';
}

/// A contiguous tensor over the storage `key`.
void put_tensor(std::string& out, const torch::Tensor& tensor, const std::string& key) {
  out += "ctorch._utils\n_rebuild_tensor_v2\n((";
  put_text(out, "storage");
  out += std::string("ctorch\n") + storage_class(tensor.scalar_type()) + "\n";
  put_text(out, key);
  put_text(out, "cpu");
  put_integer(out, tensor.numel());
  out += "tQ";
  put_integer(out, 0);
  put_extents(out, tensor.sizes());
  put_extents(out, tensor.strides());
  out += "\x89";
  out += "ccollections\nOrderedDict\n)RtR";  // no gradient, no hooks
}

void add_frame(ZipWriter& zip, const std::string& pickle) {
  zip.add("data.pkl", pickle.data(), pickle.size());
  zip.add("byteorder", "little", 6);
}

void add_end(ZipWriter& zip) {
  zip.add("version", "3\n", 2);
  zip.finish();
}

}  // namespace

void save_torch_zip(const std::string& path, const std::string& tensors_key, const StateDict& tensors, const ordered_json& values) {
  std::vector<torch::Tensor> payload;
  std::string pickle = "\x80\x02}(";
  put_text(pickle, tensors_key);
  pickle += "ccollections\nOrderedDict\n)R(";
  for (const auto& [name, tensor] : tensors) {
    payload.push_back(tensor.detach().to(torch::kCPU).contiguous());
    put_text(pickle, name);
    put_tensor(pickle, payload.back(), std::to_string(payload.size() - 1));
  }
  pickle += 'u';
  for (const auto& [key, value] : values.items()) {
    put_text(pickle, key);
    put_value(pickle, value);
  }
  pickle += "u.";

  AtomicFile file(path);
  {
    std::ofstream out(file.path(), std::ios::binary);
    ZipWriter zip(out);
    add_frame(zip, pickle);
    for (std::size_t i = 0; i < payload.size(); ++i) zip.add("data/" + std::to_string(i), payload[i].const_data_ptr(), payload[i].nbytes());
    add_end(zip);
    out.flush();
    if (!out) fail(ErrorCode::io, "Cannot write {}: {}.", path, std::strerror(errno));
  }
  file.commit();
}

std::string torch_zip(const std::string& pickle, const std::map<std::string, std::string>& storages) {
  std::ostringstream out;
  ZipWriter zip(out);
  add_frame(zip, pickle);
  for (const auto& [key, bytes] : storages) zip.add("data/" + key, bytes.data(), bytes.size());
  add_end(zip);
  return out.str();
}

}  // namespace voxconv::nn
