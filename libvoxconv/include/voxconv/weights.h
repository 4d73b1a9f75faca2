#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace voxconv {

/// One tensor of a weights file.
struct TensorInfo {
  std::string name;
  std::string type;  ///< F32, F16, BF16, I64 ...
  std::vector<std::int64_t> shape;
  bool finite = true;  ///< false: it has numbers that are none, or are infinite; a network with it gives silence
};

/// What a weights file holds, without its numbers.
struct WeightsInfo {
  std::string format;                           ///< "safetensors", "torch zip", "torch legacy", "ctranslate2"
  std::string verdict;                          ///< whether there is anything in it but tensors and plain data, in words
  std::uint64_t bytes = 0;                      ///< of the file
  std::uint64_t parameters = 0;                 ///< numbers in all tensors
  std::map<std::string, std::string> metadata;  ///< plain values at its top
  std::vector<TensorInfo> tensors;              ///< by name
};

/// Reads and checks a .safetensors file or a torch checkpoint (.pth, .pt, .ckpt, .bin) without executing anything in it
/// (docs/checkpoints.md). Throws Error(not_found), and Error(bad_model) where the file is damaged or is refused because it is not only
/// data; then the message names what it would have done.
WeightsInfo inspect_weights(const std::string& path);

/// The model in such a file, or in a voice bundle.
struct ModelInfo {
  std::string architecture;  ///< "rvc", "native"; of others a description: "HuBERT or ContentVec (content encoder)" ...; empty: not known
  bool is_voice = false;     ///< voxconv can convert with it; only then the rest is set
  std::string version;       ///< of RVC: "v1", "v2"
  int sample_rate = 0;       ///< Hz
  std::int64_t speakers = 0;
  bool f0 = false;              ///< takes pitch
  std::string vocoder;          ///< "hifigan", "mrf_hifigan", "refinegan", "native/vocoder"
  std::string content_encoder;  ///< "contentvec/layer12", "whisper-base" ...
  std::string epochs;           ///< as the file says it
};

/// `path`: such a file, or the folder of a voice bundle, of which only voice.json is read. Throws as inspect_weights(); a model that is not
/// known is no error.
ModelInfo inspect_model(const std::string& path);

}  // namespace voxconv
