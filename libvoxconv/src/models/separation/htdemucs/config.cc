#include "models/separation/htdemucs/config.h"

#include <cmath>

#include "core/fail.h"

namespace voxconv::htdemucs {
namespace {

using nlohmann::json;
using Kind = nn::PickleValue::Kind;

constexpr std::size_t most_items = 64;  // of a list among the arguments

/// Python's Fraction, which pickles as its text or as two numbers.
json fraction(const nn::PickleValue& record) {
  const auto& items = record.items;
  if (items.size() == 2 && items[0]->is(Kind::integer) && items[1]->is(Kind::integer) && items[1]->integer != 0)
    return double(items[0]->integer) / double(items[1]->integer);
  if (items.size() != 1 || !items[0]->is(Kind::text)) return nullptr;
  char* end = nullptr;
  const double over = std::strtod(items[0]->text.c_str(), &end), under = *end == '/' ? std::strtod(end + 1, &end) : 1;
  return *end == '\0' && under != 0 ? json(over / under) : json(nullptr);
}

/// An argument: a plain value or a list of them.
json argument(const nn::PickleValue& value) {
  switch (value.kind) {
    case Kind::boolean: return value.integer != 0;
    case Kind::integer: return value.integer;
    case Kind::real: return value.real;
    case Kind::text: return value.text;
    case Kind::record: return value.text == "fractions.Fraction" ? fraction(value) : json();
    case Kind::list:
    case Kind::tuple: {
      json list = json::array();
      for (const nn::PickleValue* item : value.items)
        if (list.size() < most_items && !item->is(Kind::list) && !item->is(Kind::tuple)) list.push_back(argument(*item));
      return list;
    }
    default: return nullptr;
  }
}

/// The arguments of the class, checked as they are read; what is missing or null has Demucs' default.
class Arguments {
 public:
  Arguments(std::string path, json values) : path_(std::move(path)), values_(std::move(values)) {}

  json value(const char* name) const { return values_.value(name, json()); }

  double number(const char* name, double fallback, double low, double high) const {
    const json found = value(name);
    if (found.is_null()) return fallback;
    if (!found.is_number() || !(found.get<double>() >= low && found.get<double>() <= high))
      fail(ErrorCode::bad_model, "{} has the setting {} = {}; voxconv reads HTDemucs with {:g} to {:g}.", path_, name, found.dump(), low,
           high);
    return found.get<double>();
  }

  std::int64_t integer(const char* name, std::int64_t fallback, std::int64_t low, std::int64_t high) const {
    const double found = number(name, double(fallback), double(low), double(high));
    if (found != std::floor(found)) fail(ErrorCode::bad_model, "{} has the setting {} = {}; expected a whole number.", path_, name, found);
    return std::int64_t(found);
  }

  bool flag(const char* name, bool fallback) const {
    const json found = value(name);
    return found.is_boolean() ? found.get<bool>() : number(name, fallback, 0, 1) != 0;
  }

  /// For what voxconv knows one way of.
  void require(const char* name, const json& only) const {
    const json found = value(name);
    const bool same = found.is_null() || found == only || (only.is_boolean() && found == json(int(only.get<bool>()))) ||
                      (found.is_array() && found.empty() && only.is_null());
    if (!same)
      fail(ErrorCode::bad_model, "{} has the setting {} = {}; voxconv reads HTDemucs with {}.", path_, name, found.dump(), only.dump());
  }

  [[noreturn]] void refuse(const std::string& why) const { fail(ErrorCode::bad_model, "{} {}.", path_, why); }

 private:
  std::string path_;
  json values_;
};

Arguments package_arguments(const SeparatorFile& file) {
  const nn::PickleValue& kwargs = file.checkpoint.at("kwargs");
  json values = json::object();
  if (kwargs.is(Kind::dict))
    for (std::size_t i = 0; i + 1 < kwargs.items.size(); i += 2)
      if (kwargs.items[i]->is(Kind::text) && values.size() < 200) values[kwargs.items[i]->text] = argument(*kwargs.items[i + 1]);
  return {file.path(), values};
}

/// As models/demucs4ht.py of Music-Source-Separation-Training makes them from its settings.
Arguments yaml_arguments(const SeparatorFile& file) {
  const json settings = file.read_settings();
  json values = settings.at("htdemucs");
  const json& training = settings.at("training");
  values["sources"] = training.at("instruments");
  for (const auto& [argument, setting] :
       {std::pair("audio_channels", "channels"), std::pair("samplerate", "samplerate"), std::pair("segment", "segment")})
    if (training.contains(setting)) values[argument] = training.at(setting);
  return {file.settings_path, values};
}

}  // namespace

std::int64_t Config::rows(std::int64_t level) const {
  std::int64_t rows = fft / 2;
  for (std::int64_t i = 0; i < level; ++i) rows /= stride;
  return rows;
}

std::string package_class(const nn::Checkpoint& file) {
  const nn::PickleValue* type = file.root().find("klass");
  if (!type || !type->is(Kind::global) || !type->text.starts_with("demucs.")) return "";
  return type->text.substr(type->text.rfind('.') + 1);
}

Config read_config(const SeparatorFile& file) {
  const Arguments arguments = package_class(file.checkpoint).empty() ? yaml_arguments(file) : package_arguments(file);
  for (const auto& [name, only] : std::initializer_list<std::pair<const char*, json>>{{"audio_channels", audio_channels},
                                                                                      {"channels_time", nullptr},
                                                                                      {"cac", true},
                                                                                      {"rewrite", true},
                                                                                      {"kernel_size", kernel},
                                                                                      {"stride", stride},
                                                                                      {"context_enc", 0},
                                                                                      {"multi_freqs", nullptr},
                                                                                      {"num_subbands", 1},
                                                                                      {"use_train_segment", true},
                                                                                      {"t_emb", "sin"},
                                                                                      {"t_sin_random_shift", 0},
                                                                                      {"t_norm_in", true},
                                                                                      {"t_norm_in_group", false},
                                                                                      {"t_group_norm", false},
                                                                                      {"t_norm_first", true},
                                                                                      {"t_norm_out", true},
                                                                                      {"t_sparse_self_attn", false},
                                                                                      {"t_sparse_cross_attn", false}})
    arguments.require(name, only);

  Config config;
  for (const json& source : arguments.value("sources"))
    if (source.is_string()) config.sources.push_back(source);
  config.rate = int(arguments.integer("samplerate", 44100, 8000, 192'000));
  config.segment = std::int64_t(std::floor(arguments.number("segment", 10, 0.1, 60) * config.rate + 1e-6));
  config.fft = arguments.integer("nfft", 4096, 64, 65536);
  config.depth = arguments.integer("depth", 4, 1, 8);
  if (config.fft % (2 * stride) != 0 || config.segment < 2 * config.fft)
    arguments.refuse(fmt::format("has frames of {} samples, which do not go with segments of {}", config.fft, config.segment));
  if (config.rows(config.depth - 1) <= kernel || config.rows(config.depth) << 2 * config.depth != config.fft / 2)
    arguments.refuse(fmt::format("has {} levels, which frames of {} samples are too short for", config.depth, config.fft));
  if (arguments.integer("norm_starts", 4, 0, 100) < config.depth)
    arguments.refuse("normalises inside its levels, which voxconv does not know");
  const std::int64_t growth = arguments.integer("growth", 2, 1, 4), first = arguments.integer("channels", 48, 1, 1024);
  for (std::int64_t level = 0, now = first; level < config.depth; ++level, now *= growth) config.channels.push_back(now);
  config.context = arguments.integer("context", 1, 0, 8);
  const std::int64_t residuals = arguments.integer("dconv_mode", 1, 0, 3);
  config.residual_encoder = residuals & 1;
  config.residual_decoder = residuals & 2;
  config.residual_depth = arguments.integer("dconv_depth", 2, 0, 8);
  config.compression = arguments.integer("dconv_comp", 8, 1, first);
  config.frequency_weight = arguments.number("freq_emb", 0.2, 0, 100) * arguments.number("emb_scale", 10, 0, 1000);
  config.bottom_channels = arguments.integer("bottom_channels", 0, 0, 8192);

  TransformerConfig& transformer = config.transformer;
  transformer.layers = arguments.integer("t_layers", 5, 0, 64);
  transformer.heads = arguments.integer("t_heads", 8, 1, 128);
  transformer.dim = config.bottom_channels > 0 ? config.bottom_channels : config.channels.back();
  transformer.hidden = std::int64_t(double(transformer.dim) * arguments.number("t_hidden_scale", 4, 0.1, 32));
  transformer.gelu = arguments.flag("t_gelu", true);
  transformer.layer_scale = arguments.flag("t_layer_scale", true);
  transformer.cross_first = arguments.flag("t_cross_first", false);
  transformer.max_period = arguments.number("t_max_period", 10'000, 1, 1e9);
  transformer.position_weight = arguments.number("t_weight_pos_embed", 1, -100, 100);
  if (transformer.dim % transformer.heads != 0 || transformer.dim % 4 != 0 || transformer.dim < 8)
    arguments.refuse(
        fmt::format("has a transformer of {} features and {} heads, which do not go together", transformer.dim, transformer.heads));
  return config;
}

}  // namespace voxconv::htdemucs
