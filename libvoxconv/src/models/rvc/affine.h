#pragma once
#include <string>

#include "nn/tensor_reader.h"

namespace voxconv::rvc {

/// Weight and bias of a layer.
struct Affine {
  torch::Tensor weight, bias;
};

/// "<name>.weight" of `shape` and "<name>.bias" [shape[0]].
inline Affine take_affine(nn::TensorReader& reader, const std::string& name, torch::IntArrayRef shape) {
  return {reader.take(name + ".weight", shape), reader.take(name + ".bias", {shape[0]})};
}

}  // namespace voxconv::rvc
