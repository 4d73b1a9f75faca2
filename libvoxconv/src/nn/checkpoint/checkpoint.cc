#include "nn/checkpoint/checkpoint.h"

#include <algorithm>
#include <iterator>

#include "core/fail.h"
#include "nn/checkpoint/ctranslate2.h"
#include "nn/checkpoint/torch_reader.h"
#include "nn/safetensors.h"

namespace voxconv::nn {
namespace {

using Kind = PickleValue::Kind;

struct Format {
  const char* name;
  bool (*matches)(const MappedFile&);
  Pickle (*read)(const MappedFile&);
};
constexpr Format torch_formats[] = {{"torch zip", is_torch_zip, read_torch_zip}, {"torch legacy", is_torch_legacy, read_torch_legacy}};

constexpr int deepest_dict = 8;
constexpr std::size_t most_visits = 1'000'000;
constexpr std::size_t longest_name = 1024;  // of a tensor, those of the dicts around it included

/// Of a format that has nothing but tensors.
Checkpoint from_tensors(const std::string& path, const char* format, const StateDict& tensors,
                        const std::map<std::string, std::string>& metadata) {
  auto tree = std::make_shared<PickleTree>();
  tree->push_back({Kind::dict});
  PickleValue& root = tree->back();
  for (const auto& [name, tensor] : tensors) {
    tree->push_back({Kind::text});
    tree->back().text = name;
    root.items.push_back(&tree->back());
    tree->push_back({Kind::tensor});
    tree->back().size = tensor.sizes().vec();
    tree->back().tensor = tensor;
    root.items.push_back(&tree->back());
  }
  return {path, format, tree, &root, {}, metadata};
}

/// A safetensors file starts with the length of its header, which is JSON.
bool is_safetensors(const MappedFile& file) { return file.size > 9 && file.data.get()[8] == '{'; }

void collect(const PickleValue& dict, const std::string& path, const std::string& prefix, int depth, std::size_t& visits,
             StateDict& result) {
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (++visits > most_visits) fail(ErrorCode::bad_model, "{} is refused: its dicts contain each other too many times.", path);
    const PickleValue &key = *dict.items[i], &value = *dict.items[i + 1];
    if ((!key.is(Kind::text) && !key.is(Kind::integer)) || (!value.is(Kind::tensor) && !value.is(Kind::dict))) continue;
    if (prefix.size() + key.text.size() > longest_name)
      fail(ErrorCode::bad_model, "{} is refused: the name {} in it has more than {} bytes.", path, printable(prefix + key.text),
           longest_name);
    const std::string name = prefix + (key.is(Kind::text) ? key.text : std::to_string(key.integer));
    if (value.is(Kind::tensor)) result[name] = value.tensor;
    if (value.is(Kind::dict) && depth < deepest_dict) collect(value, path, name + ".", depth + 1, visits, result);
  }
}

}  // namespace

const PickleValue& Checkpoint::at(const std::string& key) const {
  if (const PickleValue* value = root_->find(key)) return *value;
  fail(ErrorCode::bad_model, "{} has no \"{}\"; is it a checkpoint of this kind?", path_, key);
}

StateDict Checkpoint::state_dict(const PickleValue& value) const {
  if (!value.is(Kind::dict)) fail(ErrorCode::bad_model, "{} has {} where a dict of tensors is expected.", path_, describe(value));
  StateDict result;
  std::size_t visits = 0;
  collect(value, path_, "", 0, visits, result);
  return result;
}

Checkpoint open_checkpoint(const std::string& path) {
  const MappedFile file = map_file(path, 8);
  if (is_safetensors(file)) {
    const Safetensors opened(path);
    return from_tensors(path, "safetensors", opened.tensors(), opened.metadata());
  }
  const Format* format = std::find_if(std::begin(torch_formats), std::end(torch_formats), [&](const Format& f) { return f.matches(file); });
  const bool ctranslate2 = is_ctranslate2(file);
  if (format == std::end(torch_formats) && !ctranslate2)
    fail(ErrorCode::bad_model, "{} is no model file: it is neither a torch checkpoint nor a .safetensors nor a CTranslate2 model.", path);
  try {
    if (ctranslate2) {
      const Ctranslate2Model model = read_ctranslate2(file);
      return from_tensors(path, "ctranslate2", model.tensors, model.metadata);
    }
    Pickle pickle = format->read(file);
    return {path, format->name, pickle.tree, pickle.root, std::move(pickle.records)};
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{}: {}", path, e.what()));
  }
}

}  // namespace voxconv::nn
