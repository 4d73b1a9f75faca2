#include "models/rvc/checkpoint.h"

#include <algorithm>
#include <cctype>

#include "core/fail.h"
#include "models/rvc/config.h"
#include "nn/checkpoint/torch_writer.h"
#include "nn/finite.h"
#include "nn/weight_norm.h"

namespace voxconv::rvc {
using nlohmann::ordered_json;
using Kind = nn::PickleValue::Kind;
namespace {

constexpr std::pair<Vocoder, const char*> vocoder_titles[] = {
    {Vocoder::hifigan, "HiFi-GAN"}, {Vocoder::mrf_hifigan, "MRF HiFi-GAN"}, {Vocoder::refinegan, "RefineGAN"}};

/// Top-level values that become part of the Config, or are tensors.
constexpr const char* no_notes[] = {"weight", "model", "config", "f0", "version", "vocoder", "optimizer"};
constexpr const char* number_notes[] = {"epoch", "step", "speakers_id"};

bool starts_with(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }
bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Reading.

/// The values of the list "config" in their order.
class Positions {
 public:
  explicit Positions(const nn::PickleValue& list) : list_(list) {
    if ((!list.is(Kind::list) && !list.is(Kind::tuple)) || list.items.size() != 18)
      fail(ErrorCode::bad_model, "its \"config\" is {}; expected a list of 18 settings", nn::describe(list));
  }
  std::int64_t integer(std::size_t at) const { return integer(*list_.items[at], at); }
  std::string text(std::size_t at) const {
    const nn::PickleValue& value = *list_.items[at];
    return value.is(Kind::integer) ? std::to_string(value.integer) : value.text;
  }
  std::vector<std::int64_t> integers(std::size_t at) const { return integers(*list_.items[at], at); }
  std::vector<std::vector<std::int64_t>> lists(std::size_t at) const {
    std::vector<std::vector<std::int64_t>> result;
    for (const nn::PickleValue* item : list_.items[at]->items) result.push_back(integers(*item, at));
    return result;
  }

 private:
  static std::int64_t integer(const nn::PickleValue& value, std::size_t at) {
    if (!value.is(Kind::integer))
      fail(ErrorCode::bad_model, "its \"config\" has {} at position {}; expected a whole number", nn::describe(value), at);
    return value.integer;
  }
  static std::vector<std::int64_t> integers(const nn::PickleValue& value, std::size_t at) {
    std::vector<std::int64_t> result;
    for (const nn::PickleValue* item : value.items) result.push_back(integer(*item, at));
    return result;
  }

  const nn::PickleValue& list_;
};

Config positional_config(const nn::PickleValue& list) {
  const Positions from(list);
  Config config;
  config.spec_channels = from.integer(0);
  config.segment_size = from.integer(1);
  config.inter_channels = from.integer(2);
  config.hidden_channels = from.integer(3);
  config.filter_channels = from.integer(4);
  config.heads = from.integer(5);
  config.layers = from.integer(6);
  config.kernel_size = from.integer(7);
  config.resblock = from.text(9);
  config.resblock_kernels = from.integers(10);
  config.resblock_dilations = from.lists(11);
  config.upsample_rates = from.integers(12);
  config.upsample_channels = from.integer(13);
  config.upsample_kernels = from.integers(14);
  config.speakers = from.integer(15);
  config.speaker_dim = from.integer(16);
  config.sample_rate = static_cast<int>(std::clamp<std::int64_t>(from.integer(17), 0, 1'000'000));
  return config;
}

std::string text_at(const nn::Checkpoint& file, const char* key) {
  const nn::PickleValue* value = file.root().find(key);
  return value ? nn::plain_text(*value) : "";
}

std::map<std::string, std::string> read_notes(const nn::Checkpoint& file) {
  std::map<std::string, std::string> notes = nn::plain_texts(file.root());
  for (const char* name : no_notes) notes.erase(name);
  return notes;
}

/// The tensors under the original's names: weight norm in its old spelling, without the encoder that only training needs.
nn::StateDict generator_tensors(const nn::StateDict& found) {
  const std::pair<std::string, const char*> spellings[] = {{".parametrizations.weight.original0", ".weight_g"},
                                                           {".parametrizations.weight.original1", ".weight_v"}};
  nn::StateDict result;
  for (const auto& [full, tensor] : found) {
    std::string name = starts_with(full, "module.") ? full.substr(7) : full;
    if (starts_with(name, "enc_q.")) continue;
    for (const auto& [modern, old] : spellings)
      if (ends_with(name, modern)) name.replace(name.size() - modern.size(), modern.size(), old);
    result[name] = tensor;
  }
  return result;
}

Vocoder find_vocoder(const nn::Checkpoint& file, const nn::StateDict& tensors) {
  const std::string title = text_at(file, "vocoder");
  for (const auto& [vocoder, known] : vocoder_titles)
    if (title == known) return vocoder;
  if (!title.empty()) fail(ErrorCode::bad_model, "it has the vocoder \"{}\", which is not known here", nn::printable(title));
  const auto has = [&](const std::string& start) {
    const auto item = tensors.lower_bound(start);
    return item != tensors.end() && starts_with(item->first, start.c_str());
  };
  return has("dec.mrfs.") ? Vocoder::mrf_hifigan : has("dec.downsample_blocks.") ? Vocoder::refinegan : Vocoder::hifigan;
}

std::int64_t extent(const nn::StateDict& tensors, const char* name, std::int64_t dimension) {
  const auto found = tensors.find(name);
  if (found == tensors.end() || found->second.dim() != 2) fail(ErrorCode::bad_model, "it lacks the table {}, so it is no RVC model", name);
  return found->second.size(dimension);
}

/// RVC's own encoder goes by several names.
std::string find_encoder(const nn::Checkpoint& file) {
  const std::string name = text_at(file, "embedder_model");
  if (name.empty() || name == "hubert_base" || name == "hubert") return "contentvec";
  const bool fits = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
  if (!fits || name.size() > 64) fail(ErrorCode::bad_model, "it names the content encoder \"{}\", which is no name", nn::printable(name));
  return name;
}

void read_switches(const nn::Checkpoint& file, const nn::StateDict& tensors, Config& config) {
  config.speakers = extent(tensors, "emb_g.weight", 0);
  config.content_dim = extent(tensors, "enc_p.emb_phone.weight", 1);
  constexpr std::int64_t projected = 256;  // HuBERT's layer 9 through its projection
  config.version = text_at(file, "version");
  if (config.version.empty()) config.version = config.content_dim == projected ? "v1" : "v2";
  const nn::PickleValue* f0 = file.root().find("f0");
  config.f0 = f0 ? (f0->is(Kind::text) ? f0->text != "0" : f0->integer != 0)
                 : file.root().find("weight") || tensors.count("enc_p.emb_pitch.weight") != 0;
  config.vocoder = find_vocoder(file, tensors);
  config.content_encoder = find_encoder(file) + (config.version == "v1" ? "/layer9-projection" : "/layer12");
}

// Writing.

/// Where the original has weight norm.
bool has_weight_norm(const std::string& name, Vocoder vocoder) {
  using Starts = std::vector<const char*>;
  static const std::map<Vocoder, Starts> decoder = {
      {Vocoder::hifigan, {"dec.ups.", "dec.resblocks."}},
      {Vocoder::mrf_hifigan, {"dec.conv_pre.", "dec.upsamples.", "dec.mrfs.", "dec.conv_post."}},
      {Vocoder::refinegan, {"dec.pre_conv.", "dec.downsample_blocks.", "dec.mel_conv.", "dec.upsample_conv_blocks.", "dec.conv_post."}}};
  if (!ends_with(name, ".weight")) return false;
  if (starts_with(name, "flow.flows.")) return name.find(".enc.") != std::string::npos;
  const Starts& starts = decoder.at(vocoder);
  return std::any_of(starts.begin(), starts.end(), [&](const char* start) { return starts_with(name, start); });
}

nn::StateDict tensors_to_write(const Checkpoint& checkpoint) {
  nn::StateDict tensors = checkpoint.stored.empty() ? checkpoint.weights : checkpoint.stored;
  std::vector<std::string> fused;
  for (const auto& [name, tensor] : tensors)
    if (tensor.dim() > 1 && has_weight_norm(name, checkpoint.config.vocoder)) fused.push_back(name);
  for (const std::string& name : fused) nn::split_weight_norm(tensors, name);
  for (auto& [name, tensor] : tensors) tensor = tensor.to(torch::kHalf);
  return tensors;
}

ordered_json positional(const Config& c) {
  return ordered_json::array({c.spec_channels, c.segment_size, c.inter_channels, c.hidden_channels, c.filter_channels, c.heads, c.layers,
                              c.kernel_size, 0, c.resblock, c.resblock_kernels, c.resblock_dilations, c.upsample_rates, c.upsample_channels,
                              c.upsample_kernels, c.speakers, c.speaker_dim, c.sample_rate});
}

/// Whether the original has this note as a number.
bool is_number_note(const std::string& key, const std::string& text) {
  const auto is_digit = [](unsigned char c) { return std::isdigit(c); };
  return std::find(std::begin(number_notes), std::end(number_notes), key) != std::end(number_notes) && !text.empty() && text.size() < 18 &&
         std::all_of(text.begin(), text.end(), is_digit);
}

}  // namespace

std::string Checkpoint::note(const std::string& key) const {
  const auto found = notes.find(key);
  return found == notes.end() ? "" : found->second;
}

bool is_checkpoint(const nn::Checkpoint& file, const nn::StateDict& tensors) {
  const nn::PickleValue& root = file.root();
  if (root.find("weight") && root.find("config")) return true;
  constexpr std::string_view embedding = "enc_p.emb_phone.weight";  // below "weight.", "model." or "model.module."
  return (root.find("weight") || root.find("model")) &&
         std::any_of(tensors.begin(), tensors.end(), [&](const auto& item) { return item.first.ends_with(embedding); });
}

Checkpoint read_stored_checkpoint(const nn::Checkpoint& file) {
  const std::string& path = file.path();
  const nn::PickleValue *weight = file.root().find("weight"), *model = file.root().find("model");
  const nn::PickleValue* tensors = weight ? weight : model;
  if (!tensors || !tensors->is(Kind::dict))
    fail(ErrorCode::bad_model, "{} is no RVC model: it has neither \"weight\" nor \"model\"; \"voxconv info\" says what it holds.", path);
  try {
    Checkpoint result;
    result.stored = generator_tensors(file.state_dict(*tensors));
    for (const auto& [name, tensor] : result.stored)
      if (!nn::all_finite(tensor))
        fail(ErrorCode::bad_model, "its tensor {} has numbers that are not finite, so that it gives no sound", name);
    const nn::PickleValue* list = file.root().find("config");
    result.config = list ? positional_config(*list) : training_config(path);
    read_switches(file, result.stored, result.config);
    check(result.config);
    result.notes = read_notes(file);
    return result;
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{} cannot be read as an RVC model: {}{}", path, e.what(), ends_with(e.what(), ".") ? "" : "."));
  }
}

Checkpoint read_checkpoint(const std::string& path) { return read_checkpoint(nn::open_checkpoint(path)); }

Checkpoint read_checkpoint(const nn::Checkpoint& file) {
  Checkpoint result = read_stored_checkpoint(file);
  try {
    result.weights = nn::fuse_weight_norms(result.stored);
  } catch (const Error& e) {
    fail(e.code(), "{}: {}", file.path(), e.what());
  }
  return result;
}

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  const Config& config = checkpoint.config;
  const std::string epoch = checkpoint.note("epoch");
  ordered_json values{{"config", positional(config)},
                      {"info", checkpoint.note("info").empty() && !epoch.empty() ? epoch + "epoch" : checkpoint.note("info")},
                      {"sr", fmt::format("{}k", config.sample_rate / 1000)},
                      {"f0", config.f0 ? 1 : 0},
                      {"version", config.version}};
  // Applio's; RVC does not look at them.
  values["embedder_model"] = config.content_encoder.substr(0, config.content_encoder.rfind('/'));
  for (const auto& [vocoder, title] : vocoder_titles)
    if (vocoder == config.vocoder) values["vocoder"] = title;
  for (const auto& [key, text] : checkpoint.notes) {
    if (values.contains(key)) continue;
    values[key] = is_number_note(key, text) ? ordered_json(std::stoll(text)) : ordered_json(text);
  }
  nn::save_torch_zip(path, "weight", tensors_to_write(checkpoint), values);
}

}  // namespace voxconv::rvc
