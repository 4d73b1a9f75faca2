#include "nn/checkpoint/pickle_globals.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "core/fail.h"
#include "nn/extents.h"

namespace voxconv::nn {
namespace {

using Kind = PickleValue::Kind;

const std::map<std::string, PickleGlobal>& globals() {
  using G = PickleGlobal;
  static const std::map<std::string, PickleGlobal> known = {
      {"torch._utils._rebuild_tensor", G::tensor},
      {"torch._utils._rebuild_tensor_v2", G::tensor},
      {"torch._utils._rebuild_parameter", G::same},
      {"torch._utils._rebuild_parameter_with_state", G::same},
      {"torch._tensor._rebuild_from_type_v2", G::tensor_by_type},
      {"torch.Size", G::same},
      {"torch.device", G::record},
      {"torch.Tensor", G::reference},
      {"torch.nn.parameter.Parameter", G::reference},
      {"torch.serialization._get_layout", G::record},
      {"collections.OrderedDict", G::dict},
      {"collections.defaultdict", G::dict},
      {"collections.Counter", G::same},
      {"builtins.set", G::collection},
      {"builtins.frozenset", G::collection},
      {"builtins.bytearray", G::same},
      {"builtins.complex", G::record},
      {"builtins.slice", G::record},
      {"builtins.object", G::reference},
      {"builtins.dict", G::reference},
      {"builtins.list", G::reference},
      {"builtins.tuple", G::reference},
      {"builtins.int", G::reference},
      {"builtins.float", G::reference},
      {"builtins.bool", G::reference},
      {"builtins.str", G::reference},
      {"builtins.bytes", G::reference},
      {"typing.Any", G::reference},
      {"_codecs.encode", G::bytes_of_text},
      {"copyreg._reconstructor", G::object},
      {"numpy.core.multiarray._reconstruct", G::array},
      {"numpy._core.multiarray._reconstruct", G::array},
      {"numpy.core.multiarray.scalar", G::scalar},
      {"numpy._core.multiarray.scalar", G::scalar},
      {"numpy.ndarray", G::reference},
      {"numpy.dtype", G::record},
      // Which network a package of Demucs holds.
      {"demucs.demucs.Demucs", G::reference},
      {"demucs.hdemucs.HDemucs", G::reference},
      {"demucs.htdemucs.HTDemucs", G::reference},
      // Passive classes: settings and dictionaries of fairseq's checkpoints, paths and times.
      {"argparse.Namespace", G::record},
      {"fairseq.data.dictionary.Dictionary", G::record},
      {"datetime.datetime", G::record},
      {"datetime.timedelta", G::record},
      {"fractions.Fraction", G::record},
      {"pathlib.PosixPath", G::record},
      {"pathlib.PurePosixPath", G::record},
      {"pathlib.WindowsPath", G::record},
      {"pathlib.PureWindowsPath", G::record},
  };
  return known;
}

// Modules of settings, enumerations and counters. What is in them does not matter: nothing of it is imported.
constexpr const char* record_modules[] = {"omegaconf.base.",
                                          "omegaconf.dictconfig.",
                                          "omegaconf.listconfig.",
                                          "omegaconf.nodes.",
                                          "fairseq.dataclass.configs.",
                                          "fairseq.dataclass.constants.",
                                          "fairseq.models.hubert.hubert.",
                                          "fairseq.models.wav2vec.wav2vec2.",
                                          "fairseq.tasks.audio_pretraining.",
                                          "fairseq.tasks.hubert_pretraining.",
                                          "fairseq.logging.meters.",
                                          "fairseq.meters."};

const std::map<std::string, torch::ScalarType>& storage_types() {
  static const std::map<std::string, torch::ScalarType> known = {
      {"torch.FloatStorage", torch::kFloat},       {"torch.DoubleStorage", torch::kDouble}, {"torch.HalfStorage", torch::kHalf},
      {"torch.BFloat16Storage", torch::kBFloat16}, {"torch.LongStorage", torch::kLong},     {"torch.IntStorage", torch::kInt},
      {"torch.ShortStorage", torch::kShort},       {"torch.CharStorage", torch::kChar},     {"torch.ByteStorage", torch::kByte},
      {"torch.BoolStorage", torch::kBool}};
  return known;
}

constexpr const char* dtypes[] = {"float32", "float", "float64", "double", "float16", "half", "bfloat16", "int64",
                                  "long",    "int32", "int",     "int16",  "short",   "int8", "uint8",    "bool"};

[[noreturn]] void refuse_arguments(const std::string& name, const PickleValue& arguments) {
  fail(ErrorCode::bad_model, "The file is damaged: it gives {} the arguments {}.", name, describe(arguments));
}

std::vector<std::int64_t> extents_of(const PickleValue& value, const std::string& name, const PickleValue& arguments) {
  std::vector<std::int64_t> result;
  if (!value.is(Kind::tuple) && !value.is(Kind::list)) refuse_arguments(name, arguments);
  if (value.items.size() > most_dimensions)
    fail(ErrorCode::bad_model, "The file has a tensor of {} dimensions; at most {} are read.", value.items.size(), most_dimensions);
  for (const PickleValue* item : value.items) {
    if (!item->is(Kind::integer) || item->integer < 0)
      fail(ErrorCode::bad_model, "The file has a tensor with sizes or strides {}; expected none below 0.", describe(value));
    result.push_back(item->integer);
  }
  return result;
}

PickleValue make_tensor(const std::string& name, const PickleValue& arguments) {
  const auto& items = arguments.items;
  if (items.size() < 4 || !items[0]->is(Kind::storage) || !items[1]->is(Kind::integer)) refuse_arguments(name, arguments);
  PickleValue tensor{Kind::tensor};
  tensor.span = items[0]->span;
  tensor.offset = items[1]->integer;
  tensor.size = extents_of(*items[2], name, arguments);
  tensor.stride = extents_of(*items[3], name, arguments);
  if (tensor.size.size() != tensor.stride.size()) refuse_arguments(name, arguments);
  return tensor;
}

/// Python's text.encode('latin1'), which is how numpy's bytes travel in old pickles.
PickleValue encode_latin1(const std::string& name, const PickleValue& arguments) {
  const auto& items = arguments.items;
  if (items.empty() || !items[0]->is(Kind::text)) refuse_arguments(name, arguments);
  if (items.size() > 1 && items[1]->text != "latin1" && items[1]->text != "latin-1" && items[1]->text != "bytes")
    refuse_arguments(name, arguments);
  PickleValue bytes{Kind::bytes};
  const std::string& text = items[0]->text;
  bytes.text.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      bytes.text += text[i];
    } else if ((lead == 0xc2 || lead == 0xc3) && i + 1 < text.size()) {
      bytes.text += static_cast<char>((lead & 3) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
    } else {
      fail(ErrorCode::bad_model, "The file is damaged: it has text that is not of Latin 1 where bytes are expected.");
    }
  }
  return bytes;
}

std::optional<torch::ScalarType> numpy_type(const PickleValue& dtype) {
  static const std::map<std::string, torch::ScalarType> known = {{"f4", torch::kFloat}, {"f8", torch::kDouble}, {"f2", torch::kHalf},
                                                                 {"i8", torch::kLong},  {"i4", torch::kInt},    {"i2", torch::kShort},
                                                                 {"i1", torch::kChar},  {"u1", torch::kByte},   {"b1", torch::kBool}};
  if (!dtype.is(Kind::record) || dtype.text != "numpy.dtype" || dtype.items.empty()) return {};
  if (dtype.state && dtype.state->items.size() > 1 && dtype.state->items[1]->text == ">") return {};  // big-endian
  const auto found = known.find(dtype.items[0]->text);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

PickleValue make_scalar(const std::string& name, const PickleValue& arguments) {
  if (arguments.items.size() != 2) refuse_arguments(name, arguments);
  const PickleValue& bytes = *arguments.items[1];
  const auto type = numpy_type(*arguments.items[0]);
  if (!type || !(bytes.is(Kind::bytes) || bytes.is(Kind::text)) || bytes.text.size() != torch::elementSize(*type)) {
    PickleValue record{Kind::record};
    record.text = name;
    record.items = arguments.items;
    return record;
  }
  torch::Tensor number = torch::empty({}, *type);
  std::memcpy(number.data_ptr(), bytes.text.data(), bytes.text.size());
  PickleValue value{torch::isFloatingType(*type) ? Kind::real : *type == torch::kBool ? Kind::boolean : Kind::integer};
  if (value.is(Kind::real))
    value.real = number.item<double>();
  else
    value.integer = number.item<std::int64_t>();
  return value;
}

PickleValue make_record(const std::string& name, const std::vector<const PickleValue*>& arguments) {
  PickleValue record{Kind::record};
  record.text = name;
  record.items = arguments;
  return record;
}

PickleValue make_dict(const std::string& name, const PickleValue& arguments) {
  PickleValue dict{Kind::dict};
  if (arguments.items.empty() || name != "collections.OrderedDict") return dict;
  if (!arguments.items[0]->is(Kind::list)) refuse_arguments(name, arguments);
  for (const PickleValue* pair : arguments.items[0]->items) {
    if (pair->items.size() != 2 || pair->is(Kind::dict)) refuse_arguments(name, arguments);
    dict.items.insert(dict.items.end(), pair->items.begin(), pair->items.end());
  }
  return dict;
}

/// What an array of this shape takes; `most` + 1 where it is more than that.
std::uint64_t bytes_of(const std::vector<std::int64_t>& shape, torch::ScalarType type, std::uint64_t most) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::uint64_t bytes = torch::elementSize(type);
  for (const std::int64_t extent : shape) {
    if (static_cast<std::uint64_t>(extent) > most / bytes) return most + 1;
    bytes *= static_cast<std::uint64_t>(extent);
  }
  return bytes;
}

std::vector<std::int64_t> descending(std::size_t count) {
  std::vector<std::int64_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = static_cast<std::int64_t>(count - 1 - i);
  return order;
}

/// torch.FloatTensor, torch.cuda.HalfTensor ...: the types of tensors before 0.4.
bool is_tensor_type(const std::string& name) {
  constexpr std::size_t ending = sizeof "Tensor" - 1;
  for (const char* module : {"torch.cuda.", "torch."})
    if (name.rfind(module, 0) == 0 && name.size() > std::strlen(module) + ending &&
        name.compare(name.size() - ending, ending, "Tensor") == 0)
      return find_storage_type("torch." + name.substr(std::strlen(module), name.size() - std::strlen(module) - ending) + "Storage")
          .has_value();
  return false;
}

std::uint64_t copied_bytes(const PickleValue& arguments) {
  std::uint64_t bytes = 8 * arguments.items.size();
  for (const PickleValue* item : arguments.items) bytes += item->text.size() + 16 * item->items.size();
  return bytes;
}

}  // namespace

std::string modern_global_name(const std::string& module, const std::string& name) {
  if (module == "__builtin__") return "builtins." + name;
  if (module == "copy_reg") return "copyreg." + name;
  return module + "." + name;
}

std::optional<PickleGlobal> find_global(const std::string& name) {
  if (const auto found = globals().find(name); found != globals().end()) return found->second;
  if (find_storage_type(name)) return PickleGlobal::storage_type;
  if (is_tensor_type(name)) return PickleGlobal::reference;
  for (const char* dtype : dtypes)
    if (name == std::string("torch.") + dtype) return PickleGlobal::reference;
  for (const char* module : record_modules)
    if (name.rfind(module, 0) == 0 && name.find('.', std::strlen(module)) == std::string::npos) return PickleGlobal::record;
  return {};
}

std::optional<torch::ScalarType> find_storage_type(const std::string& name) {
  const auto found = storage_types().find(name);
  return found == storage_types().end() ? std::nullopt : std::optional(found->second);
}

bool is_array(const PickleValue& value) { return value.is(Kind::record) && value.text == "numpy.ndarray"; }

Made make_value(PickleGlobal use, const std::string& name, const PickleValue& arguments, const std::function<void(std::uint64_t)>& charge) {
  if (!arguments.is(Kind::tuple)) refuse_arguments(name, arguments);
  charge(copied_bytes(arguments));
  const auto& items = arguments.items;
  switch (use) {
    case PickleGlobal::record: return {make_record(name, items)};
    case PickleGlobal::dict: return {make_dict(name, arguments)};
    case PickleGlobal::collection: {
      PickleValue set{Kind::set};
      if (!items.empty()) set.items = items[0]->items;
      return {set};
    }
    case PickleGlobal::same:
      if (items.empty()) refuse_arguments(name, arguments);
      return {{}, items[0]};
    case PickleGlobal::tensor: return {make_tensor(name, arguments)};
    case PickleGlobal::tensor_by_type:
      if (items.size() < 3 || !items[0]->is(Kind::global) || find_global(items[0]->text) != PickleGlobal::tensor ||
          !items[2]->is(Kind::tuple))
        refuse_arguments(name, arguments);
      return {make_tensor(items[0]->text, *items[2])};
    case PickleGlobal::bytes_of_text: return {encode_latin1(name, arguments)};
    case PickleGlobal::array: return {make_record("numpy.ndarray", {})};
    case PickleGlobal::scalar: return {make_scalar(name, arguments)};
    case PickleGlobal::object:
      if (items.empty() || !items[0]->is(Kind::global) || find_global(items[0]->text) != PickleGlobal::record)
        refuse_arguments(name, arguments);
      return {make_record(items[0]->text, {})};
    case PickleGlobal::reference:
    case PickleGlobal::storage_type: break;
  }
  fail(ErrorCode::bad_model, "The file is refused: loaded with Python, it would have called {}{}.", name, describe(arguments));
}

void fill_array(PickleValue& array, const PickleValue& state, const std::function<void(std::uint64_t)>& charge) {
  const auto& items = state.items;
  array.state = &state;
  if (!state.is(Kind::tuple) || items.size() != 5 || !items[1]->is(Kind::tuple)) refuse_arguments("a numpy array", state);
  const PickleValue& bytes = *items[4];
  const auto type = numpy_type(*items[2]);
  if (!type || !(bytes.is(Kind::bytes) || bytes.is(Kind::text))) return;
  const std::vector<std::int64_t> shape = extents_of(*items[1], "a numpy array", state);
  if (!extents_can_be(shape) || bytes_of(shape, *type, bytes.text.size()) != bytes.text.size()) refuse_arguments("a numpy array", state);
  charge(bytes.text.size());
  const bool reversed = items[3]->integer != 0;  // Fortran's order
  std::vector<std::int64_t> stored = shape;
  if (reversed) std::reverse(stored.begin(), stored.end());
  torch::Tensor tensor = torch::empty(stored, *type);
  if (!bytes.text.empty()) std::memcpy(tensor.data_ptr(), bytes.text.data(), bytes.text.size());
  array = PickleValue{Kind::tensor};
  array.size = shape;
  array.tensor = reversed ? tensor.permute(descending(shape.size())) : tensor;
}

}  // namespace voxconv::nn
