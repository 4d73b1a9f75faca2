#pragma once
#include "nn/checkpoint/pickle_reader.h"
#include "nn/mapped_file.h"

namespace voxconv::nn {

/// The formats of torch.save(), told apart by their first bytes.
bool is_torch_zip(const MappedFile& file);     ///< from PyTorch 1.6 on: a zip file of stored entries
bool is_torch_legacy(const MappedFile& file);  ///< 0.1.10 to 1.5: a stream of pickles, then the storages

/// Their contents, tensors bound to the mapped file. Throws Error(bad_model), without the file's name.
Pickle read_torch_zip(const MappedFile& file);
Pickle read_torch_legacy(const MappedFile& file);

}  // namespace voxconv::nn
