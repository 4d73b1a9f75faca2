#include "nn/graph.h"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>

#include <atomic>
#include <exception>
#include <list>
#include <mutex>
#include <optional>

#include "core/log.h"
#include "nn/cuda_graph.h"

namespace voxconv::nn {
namespace {

using Tensors = CudaGraphCache::Tensors;
using Key = std::vector<std::int64_t>;

std::atomic<int> no_graphs = 0;  // NoGraphs that live
std::mutex one_recording;        // two might have got the same stream from the pool

Key key_of(const Tensors& inputs, const std::vector<std::int64_t>& constants) {
  Key key = constants;
  for (const torch::Tensor& input : inputs) {
    key.push_back(input.defined() ? input.dim() : -1);
    if (!input.defined()) continue;
    key.push_back(static_cast<std::int64_t>(input.scalar_type()));
    key.insert(key.end(), input.sizes().begin(), input.sizes().end());
  }
  return key;
}

Tensors copies(const Tensors& tensors) {
  Tensors result;
  for (const torch::Tensor& tensor : tensors) result.push_back(tensor.defined() ? tensor.clone(torch::MemoryFormat::Contiguous) : tensor);
  return result;
}

/// Puts the work of several streams in order: begin() makes the current stream wait until what came before the last end() is done. Does
/// nothing on the CPU, which has no streams.
class StreamOrder {
 public:
  explicit StreamOrder(torch::Device device) : device_(device), guard_(device.type()) {}
  void begin() const {
    if (event_) event_->block(stream());
  }
  void end() {
    if (device_.is_cpu()) return;
    if (!event_) event_.emplace(device_.type());
    event_->record(stream());
  }
  /// The thread waits too.
  void finish() const {
    if (event_) event_->synchronize();
  }
  /// A stream that no thread's work goes to: those of OwnStream are of normal priority, and the pool gives its few streams out again and
  /// again.
  std::optional<c10::Stream> new_stream() const {
    return device_.is_cpu() ? std::nullopt : std::optional(guard_.getStreamFromGlobalPool(device_, /*isHighPriority=*/true));
  }

 private:
  c10::Stream stream() const { return guard_.getStream(device_); }

  torch::Device device_;
  c10::impl::VirtualGuardImpl guard_;
  std::optional<c10::Event> event_;
};

Tensors recorded(DeviceGraph& recording, const Tensors& inputs, const CudaGraphCache::Function& function) {
  recording.begin();
  Tensors outputs;
  try {
    outputs = function(inputs);
  } catch (...) {
    try {
      recording.end();
    } catch (const std::exception&) {  // follows from the first error
    }
    throw;
  }
  recording.end();
  return outputs;
}

struct Shape {
  Key key;
  bool refused = false;                    ///< it could not be captured
  std::unique_ptr<DeviceGraph> recording;  ///< from the second call on
  Tensors inputs, outputs;                 ///< where the recorded work reads and writes
};

}  // namespace

struct CudaGraphCache::State {
  State(torch::Device device, MakeDeviceGraph make_recording)
      : make(std::move(make_recording)), order(device), own_stream(order.new_stream()) {}
  ~State() {
    try {
      order.finish();
    } catch (const std::exception&) {  // the device is gone already
    }
  }

  /// The shape of that key, first in the list now, or null at its first call.
  Shape* find(Key key) {
    for (auto shape = shapes.begin(); shape != shapes.end(); ++shape)
      if (shape->key == key) {
        shapes.splice(shapes.begin(), shapes, shape);
        return &shapes.front();
      }
    if (shapes.size() == most_shapes) {
      order.finish();
      shapes.pop_back();
    }
    shapes.emplace_front().key = std::move(key);
    return nullptr;
  }

  /// Runs the function once, so that libraries choose their algorithms and take their memory, and records it, on a stream apart from all
  /// others. What cannot be captured is marked and only called from then on.
  void record(Shape& shape, const Tensors& inputs, const Function& function) {
    const std::lock_guard lock(one_recording);
    order.begin();
    order.end();  // the inputs are this stream's work
    const c10::OptionalStreamGuard guard(own_stream);
    order.begin();
    try {
      shape.inputs = copies(inputs);
      function(shape.inputs);
      std::unique_ptr<DeviceGraph> recording = make();
      shape.outputs = recorded(*recording, shape.inputs, function);
      shape.recording = std::move(recording);
    } catch (const std::exception& error) {
      shape = {.key = std::move(shape.key), .refused = true};
      const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
      log_warning("A CUDA graph could not be recorded; it goes on without, more slowly: {}",
                  of_torch ? of_torch->what_without_backtrace() : error.what());
    }
    order.end();
  }

  Tensors replay(Shape& shape, const Tensors& inputs) {
    order.begin();
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].defined()) shape.inputs[i].copy_(inputs[i]);
    shape.recording->replay();
    Tensors result = copies(shape.outputs);
    order.end();
    return result;
  }

  MakeDeviceGraph make;
  std::mutex mutex;
  StreamOrder order;
  std::optional<c10::Stream> own_stream;
  std::list<Shape> shapes;  ///< the last used first
};

CudaGraphCache::CudaGraphCache(torch::Device device) : CudaGraphCache(device, device.is_cuda() ? cuda_graphs() : nullptr) {}

CudaGraphCache::CudaGraphCache(torch::Device device, MakeDeviceGraph make)
    : state_(make ? std::make_unique<State>(device, std::move(make)) : nullptr) {}

CudaGraphCache::~CudaGraphCache() = default;
CudaGraphCache::CudaGraphCache(CudaGraphCache&&) noexcept = default;
CudaGraphCache& CudaGraphCache::operator=(CudaGraphCache&&) noexcept = default;

Tensors CudaGraphCache::operator()(const Tensors& inputs, const std::vector<std::int64_t>& constants, const Function& function) const {
  if (!state_ || no_graphs > 0) return function(inputs);
  std::unique_lock lock(state_->mutex);
  Shape* shape = state_->find(key_of(inputs, constants));
  if (shape && !shape->recording && !shape->refused) state_->record(*shape, inputs, function);
  if (shape && shape->recording) return state_->replay(*shape, inputs);
  lock.unlock();
  return function(inputs);
}

NoGraphs::NoGraphs() { ++no_graphs; }
NoGraphs::~NoGraphs() { --no_graphs; }

}  // namespace voxconv::nn
