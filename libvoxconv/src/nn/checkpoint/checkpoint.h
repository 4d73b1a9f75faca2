#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/checkpoint/pickle_value.h"
#include "nn/state_dict.h"

namespace voxconv::nn {

/// Another program's model file (docs/checkpoints.md), as a tree of plain values and tensors. Nothing in the file is executed.
class Checkpoint {
 public:
  Checkpoint(std::string path, std::string format, std::shared_ptr<const PickleTree> tree, const PickleValue* root,
             std::vector<std::string> records, std::map<std::string, std::string> metadata = {})
      : path_(std::move(path)),
        format_(std::move(format)),
        tree_(std::move(tree)),
        root_(root),
        records_(std::move(records)),
        metadata_(std::move(metadata)) {}

  const std::string& path() const { return path_; }
  const std::string& format() const { return format_; }                 ///< "torch zip", "torch legacy", "safetensors", "ctranslate2"
  const PickleValue& root() const { return *root_; }                    ///< of the last two: a dict of its tensors by name
  const std::vector<std::string>& records() const { return records_; }  ///< classes that were read as inert records
  const std::map<std::string, std::string>& metadata() const { return metadata_; }  ///< of the last two formats

  /// root()[key]; throws Error(bad_model) where the file has none.
  const PickleValue& at(const std::string& key) const;
  /// The tensors in a dict by name; those of dicts inside as "<outer>.<inner>". Other values are left out. Views into the mapped file where
  /// possible, which they keep mapped: clone() before writing to one. Throws Error(bad_model) where `value` is no dict.
  StateDict state_dict(const PickleValue& value) const;

 private:
  std::string path_, format_;
  std::shared_ptr<const PickleTree> tree_;
  const PickleValue* root_;
  std::vector<std::string> records_;
  std::map<std::string, std::string> metadata_;
};

/// Reads .pth, .pt, .ckpt, .bin (torch's zip and its older stream), .safetensors and CTranslate2's model.bin, told apart by their
/// first bytes. Throws Error(not_found) and Error(bad_model): damaged, of an unknown format, or with anything in it that is not plain data;
/// then the message says what it is and what it would have done.
Checkpoint open_checkpoint(const std::string& path);

}  // namespace voxconv::nn
