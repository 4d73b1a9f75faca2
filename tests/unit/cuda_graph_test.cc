// How voxconv calls the class CUDAGraph of LibTorch's CUDA build, with one of the same names in its place, which this program exports.
#include "nn/cuda_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

enum cudaStreamCaptureMode : unsigned { cudaStreamCaptureModeThreadLocal = 1 };

namespace at::cuda {

std::vector<std::string> calls;

struct CUDAGraph {
  explicit CUDAGraph(bool keep_graph);
  ~CUDAGraph();
  void capture_begin(std::pair<unsigned long long, unsigned long long> pool, cudaStreamCaptureMode mode);
  void capture_end();
  void replay();
  std::pair<unsigned long long, unsigned long long> pool();

  std::string name;
};

CUDAGraph::CUDAGraph(bool keep_graph) : name("graph ") {
  static int number = 0;
  name += std::to_string(number++);
  calls.push_back(name + (keep_graph ? " keeps" : " made"));
}
CUDAGraph::~CUDAGraph() { calls.push_back(name + " destroyed"); }
void CUDAGraph::capture_begin(std::pair<unsigned long long, unsigned long long> pool, cudaStreamCaptureMode mode) {
  calls.push_back(name + " begins in pool " + std::to_string(pool.first) + "," + std::to_string(pool.second) +
                  (mode == cudaStreamCaptureModeThreadLocal ? ", alone" : ", with others"));
}
void CUDAGraph::capture_end() { calls.push_back(name + " ends"); }
void CUDAGraph::replay() { calls.push_back(name + " replays"); }
std::pair<unsigned long long, unsigned long long> CUDAGraph::pool() { return {7, 8}; }

}  // namespace at::cuda

namespace voxconv::nn {
namespace {

TEST(CudaGraphs, CallTheClassOfLibTorch) {
  const MakeDeviceGraph make = cuda_graphs();
  ASSERT_TRUE(make);
  {
    const auto first = make(), second = make();
    for (const auto& recording : {first.get(), second.get()}) {
      recording->begin();
      recording->end();
    }
    first->replay();
  }
  EXPECT_THAT(at::cuda::calls, testing::ElementsAre("graph 0 made", "graph 1 made", "graph 0 begins in pool 0,0, alone", "graph 0 ends",
                                                    "graph 1 begins in pool 7,8, alone", "graph 1 ends", "graph 0 replays",
                                                    "graph 1 destroyed", "graph 0 destroyed"));
}

}  // namespace
}  // namespace voxconv::nn
