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

using Tensors = GraphedCalls::Tensors;
using Key = std::vector<std::int64_t>;

std::atomic<int> no_graphs = 0;  // how many want none
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

/// Lets streams have turns: the current one waits until the work of the turn before is done. The CPU knows no streams.
class Turns {
 public:
  explicit Turns(torch::Device device) : device_(device), guard_(device.type()) {}
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
  /// One that no thread's work goes to: those of OwnStream are of normal priority, and the pool gives its few streams out again and again.
  std::optional<c10::Stream> new_stream() const {
    return device_.is_cpu() ? std::nullopt : std::optional(guard_.getStreamFromGlobalPool(device_, /*isHighPriority=*/true));
  }

 private:
  c10::Stream stream() const { return guard_.getStream(device_); }

  torch::Device device_;
  c10::impl::VirtualGuardImpl guard_;
  std::optional<c10::Event> event_;
};

Tensors recorded(Recording& recording, const Tensors& inputs, const GraphedCalls::Function& function) {
  recording.begin();
  Tensors outputs;
  try {
    outputs = function(inputs);
  } catch (...) {
    try {
      recording.end();
    } catch (const std::exception&) {  // a consequence
    }
    throw;
  }
  recording.end();
  return outputs;
}

struct Shape {
  Key key;
  bool refused = false;                  ///< it could not be recorded
  std::unique_ptr<Recording> recording;  ///< from the second call on
  Tensors inputs, outputs;               ///< where the recorded work reads and writes
};

}  // namespace

struct GraphedCalls::State {
  State(torch::Device device, MakeRecording make_recording)
      : make(std::move(make_recording)), turns(device), own_stream(turns.new_stream()) {}
  ~State() {
    try {
      turns.finish();
    } catch (const std::exception&) {  // the device has gone first
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
      turns.finish();
      shapes.pop_back();
    }
    shapes.emplace_front().key = std::move(key);
    return nullptr;
  }

  /// Runs the function once, so that libraries choose their algorithms and take their memory, and records it, on a stream apart from all
  /// others. What cannot be recorded is remembered as that.
  void record(Shape& shape, const Tensors& inputs, const Function& function) {
    const std::lock_guard lock(one_recording);
    turns.begin();
    turns.end();  // the inputs are this stream's work
    const c10::OptionalStreamGuard guard(own_stream);
    turns.begin();
    try {
      shape.inputs = copies(inputs);
      function(shape.inputs);
      std::unique_ptr<Recording> recording = make();
      shape.outputs = recorded(*recording, shape.inputs, function);
      shape.recording = std::move(recording);
    } catch (const std::exception& error) {
      shape = {.key = std::move(shape.key), .refused = true};
      const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
      log_warning("A CUDA graph could not be recorded; it goes on without, more slowly: {}",
                  of_torch ? of_torch->what_without_backtrace() : error.what());
    }
    turns.end();
  }

  Tensors replay(Shape& shape, const Tensors& inputs) {
    turns.begin();
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].defined()) shape.inputs[i].copy_(inputs[i]);
    shape.recording->replay();
    Tensors result = copies(shape.outputs);
    turns.end();
    return result;
  }

  MakeRecording make;
  std::mutex mutex;
  Turns turns;
  std::optional<c10::Stream> own_stream;
  std::list<Shape> shapes;  ///< the last used first
};

GraphedCalls::GraphedCalls(torch::Device device) : GraphedCalls(device, device.is_cuda() ? cuda_graphs() : nullptr) {}

GraphedCalls::GraphedCalls(torch::Device device, MakeRecording make)
    : state_(make ? std::make_unique<State>(device, std::move(make)) : nullptr) {}

GraphedCalls::~GraphedCalls() = default;
GraphedCalls::GraphedCalls(GraphedCalls&&) noexcept = default;
GraphedCalls& GraphedCalls::operator=(GraphedCalls&&) noexcept = default;

Tensors GraphedCalls::operator()(const Tensors& inputs, const std::vector<std::int64_t>& constants, const Function& function) const {
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
