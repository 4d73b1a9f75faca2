#pragma once
#include <map>
#include <string>

#include "nn/mapped_file.h"
#include "nn/state_dict.h"

namespace voxconv::nn {

/// What a CTranslate2 model (model.bin) holds.
struct Ctranslate2Model {
  StateDict tensors;                            ///< in memory of their own, aliases included
  std::map<std::string, std::string> metadata;  ///< "spec" (WhisperSpec ...) and its "revision"
};

/// Whether the file begins as a CTranslate2 model does.
bool is_ctranslate2(const MappedFile& file);

/// Reads version 6 of the format (https://github.com/OpenNMT/CTranslate2): a list of named arrays, nothing else. Every size is checked
/// against what the file still has before memory is taken. Throws Error(bad_model), without the file's name.
Ctranslate2Model read_ctranslate2(const MappedFile& file);

}  // namespace voxconv::nn
