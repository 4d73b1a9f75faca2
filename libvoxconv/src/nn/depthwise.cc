#include "nn/depthwise.h"

namespace voxconv::nn {

torch::Tensor depthwise(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  const std::int64_t padding[] = {0, weight.size(2) / 2};
  // The order matters: [B, T, C] -> [B, C, T] -> [B, C, 1, T] leaves the strides of a channels-last image, other ways to the same shape do
  // not.
  const torch::Tensor batch = (x.dim() == 2 ? x.unsqueeze(0) : x).contiguous();
  const torch::Tensor image = batch.transpose(1, 2).unsqueeze(2);
  const torch::Tensor kernel = weight.unsqueeze(2).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor y = torch::conv2d(image, kernel, bias, 1, torch::IntArrayRef(padding), 1, weight.size(0));
  return y.squeeze(2).transpose(1, 2).reshape(x.sizes());
}

}  // namespace voxconv::nn
