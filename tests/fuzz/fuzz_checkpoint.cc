// A checkpoint is data: whatever bytes it holds, reading it ends in values and tensors or in a voxconv::Error, within memory that its size
// bounds. An input that is no such file by itself is put into one as its pickle, with checksums that fit.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>

#include "models/rvc/checkpoint.h"
#include "nn/checkpoint/checkpoint.h"
#include "nn/checkpoint/ctranslate2.h"
#include "nn/checkpoint/torch_reader.h"
#include "nn/checkpoint/torch_writer.h"
#include "voxconv/error.h"

namespace {
using namespace voxconv;

void write(int file, const std::uint8_t* data, std::size_t size) {
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
}

bool is_model_file(const std::uint8_t* data, std::size_t size) {
  const nn::MappedFile file{{data, [](const std::uint8_t*) {}}, size};
  return nn::is_torch_zip(file) || nn::is_torch_legacy(file) || nn::is_ctranslate2(file) || (size > 9 && data[8] == '{');
}

void read_every_tensor(const std::string& path) {
  const nn::Checkpoint file = nn::open_checkpoint(path);
  (void)nn::describe(file.root());
  if (!file.root().is(nn::PickleValue::Kind::dict)) return;
  volatile std::uint64_t sum = 0;
  for (const auto& [name, view] : file.state_dict(file.root())) {
    const torch::Tensor tensor = view.contiguous();
    const auto* bytes = static_cast<const std::uint8_t*>(tensor.const_data_ptr());
    sum = std::accumulate(bytes, bytes + tensor.nbytes(), std::uint64_t{sum});
  }
}

template <typename Call>
void expect_error_or_nothing(Call call) {
  try {
    call();
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = memfd_create("fuzz_checkpoint", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (size == 0) return 0;
  if (is_model_file(data, size)) {
    write(file, data, size);
  } else {
    std::map<std::string, std::string> storages;
    for (int key = 0; key < 20; ++key) storages[std::to_string(key)] = std::string(256, '\1');
    const std::string packed = nn::torch_zip({reinterpret_cast<const char*>(data), size}, storages);
    write(file, reinterpret_cast<const std::uint8_t*>(packed.data()), packed.size());
  }
  expect_error_or_nothing([] { read_every_tensor(path); });
  expect_error_or_nothing([] { rvc::read_checkpoint(path); });
  return 0;
}
