#include "models/separation/separator.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "core/fail.h"
#include "core/paths.h"
#include "core/yaml_file.h"
#include "models/separation/architecture.h"
#include "models/separation/bag.h"
#include "models/separation/htdemucs/htdemucs.h"
#include "models/separation/roformer/roformer.h"
#include "models/separation/spleeter/spleeter.h"
#include "voxconv/model_catalog.h"
#include "voxconv/weights.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr const char* catalog_kind = "separator";

/// Where the settings of a checkpoint may lie, in this order.
std::vector<fs::path> settings_places(const fs::path& checkpoint) {
  std::vector<fs::path> places;
  for (const char* extension : {".yaml", ".yml"}) places.push_back(fs::path(checkpoint).replace_extension(extension));
  for (const char* name : {"config.yaml", "config.yml"}) places.push_back(checkpoint.parent_path() / name);
  return places;
}

nn::StateDict network_tensors(const nn::Checkpoint& checkpoint) {
  using Kind = nn::PickleValue::Kind;
  const nn::PickleValue& root = checkpoint.root();
  if (!root.is(Kind::dict)) return {};
  for (const char* key : {"state_dict", "state", "model_state_dict"})
    if (const nn::PickleValue* inner = root.find(key); inner && inner->is(Kind::dict)) return checkpoint.state_dict(*inner);
  return checkpoint.state_dict(root);
}

/// The file of an installed separator of the catalog; empty: there is no such name. Throws Error(not_found) where it is not installed.
std::string installed_separator(const std::string& name, std::vector<std::string>& known) {
  const ModelCatalog catalog;
  for (const CatalogEntry& entry : catalog.entries()) {
    if (entry.kind != catalog_kind) continue;
    known.push_back(entry.name);
    if (entry.name != name) continue;
    if (catalog.state(entry) != ModelState::installed) catalog.path(name);  // throws
    return *find_model_file(entry.files.front().path);
  }
  return "";
}

/// Says what the file is instead.
[[noreturn]] void refuse_file(const std::string& path) {
  const ModelInfo model = inspect_model(path);
  if (model.is_voice) fail(ErrorCode::bad_model, "{} is a voice of {}, not a separator.", path, model.architecture);
  std::vector<std::string> titles;
  for (const SeparatorArchitecture& architecture : separator_architectures()) titles.emplace_back(architecture.title);
  fail(ErrorCode::bad_model, "{} is not a separator that voxconv can read ({}){}.", path, fmt::join(titles, ", "),
       model.architecture.empty() ? "" : ": it is " + model.architecture);
}

/// The settings of the checkpoint that lie beside it; empty: there are none.
std::string settings_beside(const std::string& path) {
  for (const fs::path& place : settings_places(path))
    if (std::error_code none; fs::is_regular_file(place, none)) return place.string();
  return "";
}

std::shared_ptr<const SeparationModel> load_checkpoint(const std::string& path, const std::string& settings, torch::Device device,
                                                       torch::ScalarType precision) {
  const nn::Checkpoint checkpoint = nn::open_checkpoint(path);
  const SeparatorArchitecture* architecture = separator_architecture_of(checkpoint);
  if (!architecture) refuse_file(path);
  try {
    return architecture->load({checkpoint, network_tensors(checkpoint), settings}, device, precision);
  } catch (const nlohmann::json::exception& e) {  // a setting of the wrong kind
    fail(ErrorCode::bad_model, "{} has settings that {} cannot be made from: {}.", settings, architecture->title, e.what());
  }
}

/// Stems become names of files and options.
void check_stems(const SeparationModel& model, const std::string& path) {
  const std::vector<std::string>& stems = model.stems();
  const auto is_name = [](const std::string& stem) {
    return !stem.empty() && stem.size() <= 64 && stem != music_stem && std::ranges::all_of(stem, [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == ' ';
    });
  };
  for (const std::string& stem : stems)
    if (!is_name(stem) || std::ranges::count(stems, stem) > 1)
      fail(ErrorCode::bad_model, "{} has a stem \"{}\"; expected names of letters, digits, '-' and '_', each once.", path,
           nn::printable(stem));
  if (std::ranges::count(stems, vocals_stem) == 0)
    fail(ErrorCode::bad_model, "{} finds {}, but no vocals, which voxconv needs.", path, fmt::join(stems, ", "));
}

}  // namespace

/// Every architecture there is, one line each (docs/adding-a-model.md).
std::span<const SeparatorArchitecture> separator_architectures() {
  static const SeparatorArchitecture list[] = {
      htdemucs::architecture(),
      roformer::architecture(),
  };
  return list;
}

const SeparatorArchitecture* separator_architecture_of(const nn::Checkpoint& checkpoint) {
  const SeparatorFile file{checkpoint, network_tensors(checkpoint), ""};
  const auto list = separator_architectures();
  const auto found = std::find_if(list.begin(), list.end(), [&](const SeparatorArchitecture& a) { return a.recognise(file); });
  return found == list.end() ? nullptr : &*found;
}

nlohmann::json SeparatorFile::read_settings() const {
  if (!settings_path.empty()) return read_yaml(settings_path);
  const auto places = settings_places(path());
  fail(ErrorCode::not_found,
       "{} does not say how its network is built: put the .yaml that came with it beside it, as {} or {}, or name it (--model-config).",
       path(), places[0].string(), places[2].string());
}

const std::vector<std::string>& separation_models() {
  static const std::vector<std::string> names{"spleeter"};
  return names;
}

LoadedSeparator load_separation_model(const std::string& model, const std::string& settings, torch::Device device,
                                      torch::ScalarType precision) {
  LoadedSeparator loaded{nullptr, model, {}};
  const auto refuse_settings = [&](const char* why) {
    if (!settings.empty()) fail(ErrorCode::usage, "The settings {} go with the checkpoint of a separator; {} {}.", settings, model, why);
  };
  if (model == "spleeter") {
    refuse_settings("has none");
    loaded.model = spleeter::load_spleeter(device, precision);
    return loaded;
  }
  std::string path = model;
  std::error_code none;
  if (fs::is_regular_file(model, none)) {
    loaded.name = fs::path(model).filename().string();
  } else {
    std::vector<std::string> known = separation_models();
    path = installed_separator(model, known);
    if (path.empty() && fs::exists(model, none)) fail(ErrorCode::bad_model, "{} is no file; name the checkpoint of a separator.", model);
    if (path.empty() && (model.find('/') != std::string::npos || fs::path(model).has_extension()))
      fail(ErrorCode::not_found, "{} does not exist.", model);
    if (path.empty())
      fail(ErrorCode::usage, "There is no separator \"{}\"; use one of {}, or the file of one.", model, fmt::join(known, ", "));
  }
  if (is_bag_file(path)) {
    refuse_settings("is a bag, which tells its own");
    BagFile bag = read_bag(path);
    loaded.files = bag.files;
    loaded.files.push_back(path);
    loaded.model = make_bag(path, std::move(bag), [=](const std::string& file) { return load_checkpoint(file, "", device, precision); });
  } else {
    const std::string beside = settings.empty() ? settings_beside(path) : settings;
    loaded.model = load_checkpoint(path, beside, device, precision);
    loaded.files = {path};
    if (!beside.empty()) loaded.files.push_back(beside);
  }
  check_stems(*loaded.model, path);
  return loaded;
}

}  // namespace voxconv
