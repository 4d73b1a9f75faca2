#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "nn/torch.h"

namespace voxconv::nn {

/// Work of a device that is captured once and launched as one from then on.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  virtual void begin() = 0;  ///< what this thread launches on the current stream from here on is captured and not executed
  virtual void end() = 0;
  virtual void replay() = 0;  ///< executes it, on the current stream
};
using MakeDeviceGraph = std::function<std::unique_ptr<DeviceGraph>()>;

/// A cache of CUDA graphs: calls functions of tensors, each by a single launch where the device can. On CUDA it captures a graph for each
/// shape of the inputs that comes more than once. A call of a network is hundreds of launches, which for a few seconds of sound take longer
/// than the arithmetic. Elsewhere, the CPU included, it just calls. Const and thread-safe; where threads have streams of their own, one's
/// replay waits for the other's.
class CudaGraphCache {
 public:
  using Tensors = std::vector<torch::Tensor>;
  using Function = std::function<Tensors(const Tensors&)>;

  explicit CudaGraphCache(torch::Device device);
  /// With other graphs than the device's own.
  CudaGraphCache(torch::Device device, MakeDeviceGraph make);
  ~CudaGraphCache();
  CudaGraphCache(CudaGraphCache&&) noexcept;
  CudaGraphCache& operator=(CudaGraphCache&&) noexcept;

  /// function(inputs). The function is the same in all calls but for `constants`, which are whatever else its result depends on, and it
  /// must neither wait for the device nor draw random numbers nor read what lies on the CPU. Inputs lie on the device or are undefined.
  Tensors operator()(const Tensors& inputs, const std::vector<std::int64_t>& constants, const Function& function) const;

  static constexpr std::size_t most_shapes = 16;  ///< kept; those not used for longest go

 private:
  struct State;
  std::unique_ptr<State> state_;  ///< null: only call
};

/// While one lives, a CudaGraphCache of any thread just calls: for profilers, which count single operators.
class NoGraphs {
 public:
  NoGraphs();
  ~NoGraphs();
  NoGraphs(const NoGraphs&) = delete;
  NoGraphs& operator=(const NoGraphs&) = delete;
};

}  // namespace voxconv::nn
