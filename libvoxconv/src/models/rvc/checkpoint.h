#pragma once
#include <map>
#include <string>

#include "models/rvc/config.h"
#include "nn/checkpoint/checkpoint.h"

namespace voxconv::rvc {

/// An RVC or Applio .pth as data.
struct Checkpoint {
  Config config;
  nn::StateDict weights;                     ///< names of the original's generator, weight norm fused, without "enc_q.*"; types as stored
  nn::StateDict stored;                      ///< the same as stored, weight norm as "..._g" and "..._v"; what is written where it is there
  std::map<std::string, std::string> notes;  ///< what else the file says: info, epoch, step, model_name, author, creation_date ...

  std::string note(const std::string& key) const;  ///< empty: there is none
};

/// Whether a file with these tensors is an RVC model: an inference checkpoint by its keys, a training one by a tensor.
bool is_checkpoint(const nn::Checkpoint& file, const nn::StateDict& tensors);

/// Reads an inference checkpoint ("weight" + "config") or, where `config` stands beside it, a training checkpoint ("model"). Nothing in the
/// file is executed. Throws Error(not_found | bad_model).
Checkpoint read_checkpoint(const nn::Checkpoint& file);
Checkpoint read_checkpoint(const std::string& path);
/// The same without `weights`, to describe or copy it.
Checkpoint read_stored_checkpoint(const nn::Checkpoint& file);

/// Writes a .pth that RVC and Applio load (torch's zip format, fp16, weight norm as g and v). Atomically. Throws Error(io).
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

}  // namespace voxconv::rvc
