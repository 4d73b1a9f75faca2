#pragma once
#include "nn/checkpoint/pickle_machine.h"
#include "nn/mapped_file.h"

namespace voxconv::nn {

/// The formats of torch.save(), told apart by their first bytes.
bool is_torch_zip(const MappedFile& file);     ///< from PyTorch 1.6 on
bool is_torch_legacy(const MappedFile& file);  ///< before
bool is_torch_tar(const MappedFile& file);     ///< before 0.1.10

/// Their contents, tensors bound to the mapped file. Throws Error(bad_model), without the file's name.
Pickle read_torch_zip(const MappedFile& file);
Pickle read_torch_legacy(const MappedFile& file);
Pickle read_torch_tar(const MappedFile& file);

/// Throws Error(bad_model) where an older file's description of the machine that wrote it says that its numbers are of big-endian order.
void check_system(const PickleValue& description);

}  // namespace voxconv::nn
