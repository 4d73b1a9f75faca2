#pragma once
#include "nn/conv.h"
#include "nn/torch.h"

namespace voxconv::nn {

/// x [..., in] times weight [out, in] plus bias [out]: torch::linear(), but through oneDNN on the CPU in fp32 where no gradient is wanted.
/// LibTorch's MKL uses half of the vector width of AMD processors; oneDNN is twice as quick there, and as quick as MKL elsewhere.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

/// When a layer's weights are laid out as oneDNN wants them.
enum class Packing {
  once,      ///< as the layer is made; they are held in the type that is computed in
  each_call  ///< they are held as they are given, in the type and, if mapped, in the file; the work is little beside hundreds of rows
};

/// A linear layer for inference whose weights are packed, through oneDNN's fused kernels on the CPU. What a convolution of kernel 1
/// computes too, but up to eight times quicker than PackedConv there. Const and thread-safe.
class PackedLinear {
 public:
  PackedLinear() = default;
  /// `weight` [out, in], `bias` [out] or undefined; computed in `type`.
  PackedLinear(const torch::Tensor& weight, const torch::Tensor& bias, torch::Device device, torch::ScalarType type,
               Activation activation = Activation::none, Packing packing = Packing::once);
  /// x [..., in] of any floating type -> [..., out] in the layer's type.
  torch::Tensor operator()(const torch::Tensor& x) const;
  /// The same plus `residual` [..., out], in the residual's type (the activation must be none).
  torch::Tensor add(const torch::Tensor& x, const torch::Tensor& residual) const;
  /// Gives the memory of weights that are held in the file back to the system: they are read anew in the next call.
  void release() const;

 private:
  torch::Tensor weight_, bias_;
  torch::ScalarType type_ = torch::kFloat;  ///< that is computed in
  Activation activation_ = Activation::none;
  bool fused_ = false;
};

}  // namespace voxconv::nn
