#pragma once
#include <functional>
#include <optional>
#include <string>

#include "nn/checkpoint/pickle_value.h"

namespace voxconv::nn {

constexpr std::size_t most_dimensions = 16;  ///< of a tensor in a checkpoint

/// The few names of Python that a checkpoint may use, and what each stands for here. All others are refused.
enum class PickleGlobal {
  reference,       ///< may be mentioned only: a type, a dtype
  storage_type,    ///< torch.FloatStorage ...: may be mentioned only
  record,          ///< a class that only holds fields: becomes a record
  dict,            ///< OrderedDict, defaultdict
  collection,      ///< set, frozenset
  same,            ///< torch.Size, Counter ...: gives its argument
  tensor,          ///< torch._utils._rebuild_tensor_v2
  tensor_by_type,  ///< torch._tensor._rebuild_from_type_v2
  bytes_of_text,   ///< _codecs.encode(text, 'latin1')
  array,           ///< numpy's _reconstruct
  scalar,          ///< numpy's scalar
  object           ///< copyreg._reconstructor(class, object, None)
};

/// Python 2's module names count as Python 3's.
std::string modern_global_name(const std::string& module, const std::string& name);

/// Nothing: not allowed.
std::optional<PickleGlobal> find_global(const std::string& name);

/// The type of the numbers in a storage of this class; nothing: none that is known.
std::optional<torch::ScalarType> find_storage_type(const std::string& name);

/// Whether `value` is what numpy's _reconstruct() made, which takes its numbers from a state.
bool is_array(const PickleValue& value);

/// What calling the allowed global `name` with these arguments gives: a value, or `same` for the argument itself. `charge` is told how many
/// bytes will be copied, before they are. Throws Error(bad_model) for arguments that the original does not take either.
struct Made {
  PickleValue value;
  const PickleValue* same = nullptr;
};
Made make_value(PickleGlobal use, const std::string& name, const PickleValue& arguments, const std::function<void(std::uint64_t)>& charge);

/// Gives a numpy array its numbers; one of objects stays a record. Throws Error(bad_model).
void fill_array(PickleValue& array, const PickleValue& state, const std::function<void(std::uint64_t)>& charge);

}  // namespace voxconv::nn
