#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/separation/separator.h"

namespace voxconv {

/// What the .yaml of a bag of Demucs says: models beside it, whose stems are averaged.
struct BagFile {
  std::vector<std::string> files;            ///< the members'
  std::vector<std::vector<double>> weights;  ///< of each member one for each stem, in the order of its stems; empty: all the same
};

bool is_bag_file(const std::string& path);  ///< by its name: .yaml or .yml

/// Throws Error(not_found) where a member is not beside it, Error(bad_model) where it is no bag.
BagFile read_bag(const std::string& path);

using LoadMember = std::function<std::shared_ptr<const SeparationModel>(const std::string& file)>;

/// The separator that `bag` describes. A member is loaded when a stem that it has a weight for is wanted for the first time, the first one
/// at once. Members that find other stems than the first, or at other rates or segments, are an Error(bad_model).
std::shared_ptr<const SeparationModel> make_bag(const std::string& path, BagFile bag, LoadMember load);

}  // namespace voxconv
