#include "models/separation/roformer/config.h"

#include <algorithm>

#include "core/fail.h"
#include "core/text.h"
#include "features/mel.h"

namespace voxconv::roformer {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t numbers_per_bin = 4;  // two channels, real and imaginary

/// What the names and shapes of the tensors say.
class Shapes {
 public:
  explicit Shapes(const SeparatorFile& file) : file_(file) {}

  bool has(const std::string& name) const { return file_.tensors.count(name) != 0; }
  std::int64_t size(const std::string& name, std::int64_t dimension) const {
    const auto found = file_.tensors.find(name);
    if (found == file_.tensors.end() || found->second.dim() <= dimension)
      fail(ErrorCode::bad_model, "{} lacks the tensor {} of a RoFormer.", file_.path(), name);
    return found->second.size(dimension);
  }
  /// How many there are of "<before>0<after>", "<before>1<after>" ...
  std::int64_t count(const std::string& before, const std::string& after) const {
    std::int64_t i = 0;
    while (has(before + std::to_string(i) + after)) ++i;
    return i;
  }

 private:
  const SeparatorFile& file_;
};

struct Found {
  NetworkConfig network;                 ///< without its bands
  std::vector<std::int64_t> band_sizes;  ///< bins of each, were it stereo
};

Found read_shapes(const SeparatorFile& file) {
  const Shapes shapes(file);
  Found found;
  NetworkConfig& network = found.network;
  const std::string bands = "band_split.to_features.", masks = "mask_estimators.", first = masks + "0.to_freqs.0.0.";
  network.dim = shapes.size(bands + "0.1.weight", 0);
  for (std::int64_t b = 0; b < shapes.count(bands, ".1.weight"); ++b)
    found.band_sizes.push_back(shapes.size(bands + std::to_string(b) + ".1.weight", 1) / numbers_per_bin);

  const auto layers = [&](int transformer) {
    return shapes.count("layers.0." + std::to_string(transformer) + ".layers.", ".0.norm.gamma");
  };
  network.depth = shapes.count("layers.", ".0.layers.0.0.norm.gamma");
  const bool linear = layers(2) > 0;
  network.linear_depth = linear ? layers(0) : 0;
  network.time_depth = layers(linear ? 1 : 0);
  network.band_depth = layers(linear ? 2 : 1);
  const std::string time = linear ? "layers.0.1." : "layers.0.0.", attention = time + "layers.0.0.";
  network.heads = shapes.size(attention + "to_gates.weight", 0);
  network.head_dim = shapes.size(attention + "to_qkv.weight", 0) / (3 * std::max<std::int64_t>(1, network.heads));
  network.ff_dim = shapes.size(time + "layers.0.1.net.1.weight", 0);
  network.norm_in_blocks = shapes.has(time + "norm.gamma");

  network.stems = shapes.count(masks, ".to_freqs.0.0.0.weight");
  while (shapes.has(first + std::to_string(2 * network.mask_layers) + ".weight")) ++network.mask_layers;
  network.mask_dim = network.mask_layers > 1 ? shapes.size(first + "0.weight", 0) : 0;
  return found;
}

/// One of the .yaml's settings as a number from `least` to `most`; `otherwise` where it is not there.
std::int64_t number(const SeparatorFile& file, const Json& settings, const char* name, std::int64_t otherwise, std::int64_t least,
                    std::int64_t most) {
  const auto found = settings.find(name);
  if (found != settings.end() && !found->is_number())
    fail(ErrorCode::bad_model, "{} has {} = {}; it must be a number.", file.settings_path, name, found->dump());
  const std::int64_t value = settings.value(name, otherwise);
  if (value < least || value > most)
    fail(ErrorCode::bad_model, "{} has {} = {}; it must be from {} to {}.", file.settings_path, name, value, least, most);
  return value;
}

/// Compares what the .yaml says of the network, if it says it, with what the tensors show.
void compare(const SeparatorFile& file, const Json& model, const NetworkConfig& network) {
  const std::pair<const char*, std::int64_t> sizes[] = {{"dim", network.dim},
                                                        {"depth", network.depth},
                                                        {"num_stems", network.stems},
                                                        {"linear_transformer_depth", network.linear_depth},
                                                        {"time_transformer_depth", network.time_depth},
                                                        {"freq_transformer_depth", network.band_depth},
                                                        {"heads", network.heads},
                                                        {"dim_head", network.head_dim}};
  for (const auto& [name, found] : sizes)
    if (const std::int64_t said = model.value(name, found); said != found)
      fail(ErrorCode::bad_model, "{} says {} = {}, and {} has {}: they do not belong together.", file.settings_path, name, said,
           file.path(), found);
  if (!model.value("stereo", false)) fail(ErrorCode::bad_model, "{} is for mono songs; voxconv needs a separator for stereo.", file.path());
  if (model.value("use_pope", false))
    fail(ErrorCode::bad_model, "{} has polar instead of rotary positions (use_pope), which voxconv cannot compute.", file.path());
}

std::vector<Band> bands_of(const SeparatorFile& file, const Json& model, const std::vector<std::int64_t>& sizes, std::int64_t n_fft) {
  const std::vector<Band> adjacent = adjacent_bands(sizes);
  if (!adjacent.empty() && adjacent.back().first + adjacent.back().count == n_fft / 2 + 1) return adjacent;
  std::vector<Band> mel = mel_bands(int(number(file, model, "sample_rate", 44100, 8000, 192000)), n_fft, std::ssize(sizes));
  const bool fit =
      std::equal(mel.begin(), mel.end(), sizes.begin(), sizes.end(), [](const Band& b, std::int64_t size) { return b.count == size; });
  if (!fit || mel.empty())
    fail(ErrorCode::bad_model, "The {} bands of {} are not those of a spectrum with stft_n_fft = {}, as {} says.", sizes.size(),
         file.path(), n_fft, file.settings_path);
  return mel;
}

std::vector<std::string> stems_of(const SeparatorFile& file, const Json& training, std::int64_t count) {
  std::vector<std::string> stems;
  if (const auto target = training.find("target_instrument"); target != training.end() && target->is_string() && *target != "")
    stems.push_back(*target);
  else
    stems = training.at("instruments").get<std::vector<std::string>>();
  if (std::ssize(stems) != count)
    fail(ErrorCode::bad_model, "{} names {} stems, and {} has {}: they do not belong together.", file.settings_path, stems.size(),
         file.path(), count);
  for (std::string& stem : stems) {
    stem = to_lower(std::move(stem));
    std::replace(stem.begin(), stem.end(), ' ', '-');
  }
  return stems;
}

}  // namespace

std::vector<Band> mel_bands(int sample_rate, std::int64_t n_fft, std::int64_t count) {
  torch::Tensor filters = mel_filters({.sample_rate = sample_rate, .n_fft = int(n_fft), .bins = int(count)}) > 0;
  filters[0][0] = true;
  filters[-1][-1] = true;
  std::vector<Band> bands;
  std::int64_t covered = 0;
  for (std::int64_t b = 0; b < count; ++b) {
    const torch::Tensor bins = filters[b].nonzero();
    if (bins.numel() == 0) return {};
    const std::int64_t first = bins[0].item<std::int64_t>(), last = bins[-1].item<std::int64_t>();
    if (first > covered || last - first + 1 != bins.size(0)) return {};
    covered = last + 1;
    bands.push_back({first, bins.size(0)});
  }
  return bands;
}

std::vector<Band> adjacent_bands(const std::vector<std::int64_t>& counts) {
  std::vector<Band> bands;
  std::int64_t first = 0;
  for (const std::int64_t count : counts) {
    bands.push_back({first, count});
    first += count;
  }
  return bands;
}

bool is_roformer(const nn::StateDict& tensors) {
  const auto has = [&](const char* name) { return tensors.count(name) != 0; };
  return has("band_split.to_features.0.0.gamma") && has("mask_estimators.0.to_freqs.0.0.0.weight") &&
         (has("layers.0.0.layers.0.0.to_qkv.weight") || has("layers.0.0.layers.0.0.to_qkv.0.weight"));
}

Settings read_settings(const SeparatorFile& file) {
  const Json yaml = file.read_settings();
  const Json &model = yaml.at("model"), &audio = yaml.at("audio"), &inference = yaml.value("inference", Json::object());
  Found found = read_shapes(file);
  compare(file, model, found.network);

  Settings settings{.network = std::move(found.network)};
  // Settings that are not there have the values that the networks of the repository give them.
  SpectrumConfig& spectrum = settings.spectrum;
  spectrum.n_fft = number(file, model, "stft_n_fft", 2048, 64, 16384);
  spectrum.hop = number(file, model, "stft_hop_length", 512, spectrum.n_fft / 64, spectrum.n_fft / 2);
  spectrum.window = number(file, model, "stft_win_length", 2048, 2 * spectrum.hop, spectrum.n_fft);
  spectrum.normalized = model.value("stft_normalized", false);
  spectrum.zero_dc = model.value("zero_dc", true);
  settings.network.bands = bands_of(file, model, found.band_sizes, spectrum.n_fft);
  settings.network.skip_connection = model.value("skip_connection", false);
  settings.stems = stems_of(file, yaml.at("training"), settings.network.stems);
  for (std::string& stem : settings.stems)
    if (stem == "karaoke") {
      stem = vocals_stem;
      settings.vocals_are_lead = true;
    }
  settings.sample_rate = int(number(file, audio, "sample_rate", 44100, 8000, 192000));
  constexpr std::int64_t longest_s = 60;
  settings.segment = number(file, inference.contains("chunk_size") ? inference : audio, "chunk_size", 0, 2 * spectrum.n_fft,
                            longest_s * settings.sample_rate);
  settings.hop = std::max<std::int64_t>(1, settings.segment / number(file, inference, "num_overlap", 2, 1, 64));
  return settings;
}

}  // namespace voxconv::roformer
