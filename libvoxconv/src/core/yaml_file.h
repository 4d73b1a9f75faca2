#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace voxconv {

/// The first document of a YAML file as data: mappings with text keys become objects, sequences arrays, plain scalars null, truth values
/// (yes, on ... too, as in YAML 1.1), numbers or texts, quoted ones texts. Tags such as !!python/tuple say nothing here: nothing is built
/// or executed. At most 1 MiB, 32 levels and 100,000 values, those that aliases repeat included. Throws Error(not_found | io | bad_model).
nlohmann::json read_yaml(const std::string& path);

}  // namespace voxconv
