#include "models/separation/separator.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "core/fail.h"
#include "core/paths.h"
#include "core/yaml_file.h"
#include "models/separation/architecture.h"
#include "models/separation/roformer/roformer.h"
#include "models/separation/spleeter/spleeter.h"
#include "voxconv/model_catalog.h"
#include "voxconv/weights.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr const char* catalog_kind = "separator";

bool is_settings_file(const fs::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }

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

std::shared_ptr<const SeparationModel> load_checkpoint(const std::string& path, const std::string& settings, LoadedSeparator& loaded,
                                                       torch::Device device, torch::ScalarType precision) {
  std::string beside = settings;
  for (const fs::path& place : settings_places(path))
    if (std::error_code none; beside.empty() && fs::is_regular_file(place, none)) beside = place.string();
  const nn::Checkpoint checkpoint = nn::open_checkpoint(path);
  const SeparatorArchitecture* architecture = separator_architecture_of(checkpoint);
  if (!architecture) refuse_file(path);
  loaded.files.push_back(path);
  if (!beside.empty()) loaded.files.push_back(beside);
  try {
    return architecture->load({checkpoint, network_tensors(checkpoint), beside}, device, precision);
  } catch (const nlohmann::json::exception& e) {  // a setting of the wrong kind
    fail(ErrorCode::bad_model, "{} has settings that {} cannot be made from: {}.", beside, architecture->title, e.what());
  }
}

}  // namespace

/// Every architecture there is, one line each (docs/adding-a-model.md).
std::span<const SeparatorArchitecture> separator_architectures() {
  static const SeparatorArchitecture list[] = {roformer::architecture()};
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
  if (model == "spleeter") {
    loaded.model = spleeter::load_spleeter(device, precision);
    return loaded;
  }
  std::vector<std::string> known = separation_models();
  std::string path = installed_separator(model, known);
  if (path.empty()) {
    std::error_code none;
    if (!fs::exists(model, none)) {
      if (model.find('/') != std::string::npos || fs::path(model).has_extension()) fail(ErrorCode::not_found, "{} does not exist.", model);
      fail(ErrorCode::usage, "There is no separator \"{}\"; use one of {}, or the file of one.", model, fmt::join(known, ", "));
    }
    if (!fs::is_regular_file(model, none)) fail(ErrorCode::bad_model, "{} is no file; name the checkpoint of a separator in it.", model);
    path = model;
    loaded.name = fs::path(model).filename().string();
  }
  loaded.model = load_checkpoint(path, settings, loaded, device, precision);
  return loaded;
}

}  // namespace voxconv
