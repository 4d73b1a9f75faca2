#include "nn/cuda_graph.h"

#include <c10/core/Allocator.h>
#include <dlfcn.h>

#include <cstddef>

// LibTorch's at::cuda::CUDAGraph. Its header asks for the CUDA toolkit, and a program linked to it would not start with a CPU build of
// LibTorch. So its functions are found in the library that is loaded, by the names they have in LibTorch 2.13; where one is missing there
// are no graphs. (at::accelerator::Graph, meant for all devices, knows no CUDA in 2.13.)
namespace voxconv::nn {
namespace {

enum CaptureMode : unsigned { thread_local_mode = 1 };  // cudaStreamCaptureMode: what other threads do meanwhile is no error

struct Functions {
  void (*construct)(void* self, bool keep_graph);
  void (*destroy)(void* self);
  void (*capture_begin)(void* self, c10::MempoolId_t pool, CaptureMode mode);
  void (*capture_end)(void* self);
  void (*replay)(void* self);
  c10::MempoolId_t (*pool)(void* self);
  bool complete = true;

  Functions() {
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(RTLD_DEFAULT, name));
      complete = complete && function;
    };
    find(construct, "_ZN2at4cuda9CUDAGraphC1Eb");
    find(destroy, "_ZN2at4cuda9CUDAGraphD1Ev");
    find(capture_begin, "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode");
    find(capture_end, "_ZN2at4cuda9CUDAGraph11capture_endEv");
    find(replay, "_ZN2at4cuda9CUDAGraph6replayEv");
    find(pool, "_ZN2at4cuda9CUDAGraph4poolEv");
  }
};

const Functions& functions() {
  static const Functions found;
  return found;
}

class CudaGraph final : public DeviceGraph {
 public:
  explicit CudaGraph(std::shared_ptr<c10::MempoolId_t> pool) : pool_(std::move(pool)) {
    functions().construct(object_, /*keep_graph=*/false);
  }
  ~CudaGraph() override { functions().destroy(object_); }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  void begin() override { functions().capture_begin(object_, *pool_, thread_local_mode); }
  void end() override {
    functions().capture_end(object_);
    *pool_ = functions().pool(object_);
  }
  void replay() override { functions().replay(object_); }

 private:
  std::shared_ptr<c10::MempoolId_t> pool_;            // of all graphs that were made together; zeros: none yet
  alignas(std::max_align_t) std::byte object_[4096];  // the class has about 400 bytes
};

}  // namespace

MakeDeviceGraph cuda_graphs() {
  if (!functions().complete) return nullptr;
  return [pool = std::make_shared<c10::MempoolId_t>(0, 0)] { return std::make_unique<CudaGraph>(pool); };
}

}  // namespace voxconv::nn
