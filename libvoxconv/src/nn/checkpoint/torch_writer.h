#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "nn/state_dict.h"

namespace voxconv::nn {

/// Writes torch's zip format, as torch.save() does: a dict of `tensors_key`, an OrderedDict of `tensors`, and then the members of the
/// object `values`. Only what torch.load(weights_only=True) takes. Atomically. Throws Error(io).
void save_torch_zip(const std::string& path, const std::string& tensors_key, const StateDict& tensors,
                    const nlohmann::ordered_json& values);

/// A torch zip file around a pickle made elsewhere, with the bytes of its storages by key.
std::string torch_zip(const std::string& pickle, const std::map<std::string, std::string>& storages);

}  // namespace voxconv::nn
