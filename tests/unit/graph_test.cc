#include "nn/graph.h"

#include <gtest/gtest.h>

#include "nn/device.h"

namespace voxconv::nn {
namespace {

using Tensors = CudaGraphCache::Tensors;

/// What a device would do, on the CPU: while it records, the test's function leaves its work here.
struct Device {
  struct Work {
    std::vector<std::function<void()>> steps;
  };
  std::shared_ptr<Work> recorded;  ///< null: nothing is being recorded
  int recordings = 0, replays = 0, alive = 0;
  bool fails = false;  ///< to record

  MakeDeviceGraph make() {
    return [this] { return std::make_unique<FakeRecording>(*this); };
  }

 private:
  class FakeRecording final : public DeviceGraph {
   public:
    explicit FakeRecording(Device& device) : device_(device) { ++device_.alive; }
    ~FakeRecording() override { --device_.alive; }
    void begin() override { device_.recorded = work_; }
    void end() override {
      device_.recorded = nullptr;
      if (device_.fails) throw std::runtime_error("there is no room");
      ++device_.recordings;
    }
    void replay() override {
      ++device_.replays;
      for (const auto& step : work_->steps) step();
    }

   private:
    Device& device_;
    std::shared_ptr<Work> work_ = std::make_shared<Work>();
  };
};

class CudaGraphCacheTest : public testing::Test {
 protected:
  /// (a + b) * factor; b may be missing.
  Tensors call(const torch::Tensor& a, const torch::Tensor& b, std::int64_t factor) {
    return calls_({a, b}, {factor}, [&](const Tensors& inputs) {
      ++called_;
      if (throws_) throw std::runtime_error("no");
      const torch::Tensor x = inputs[0], y = inputs[1], out = torch::zeros_like(x);
      const auto work = [=] { torch::mul_out(const_cast<torch::Tensor&>(out), y.defined() ? x + y : x, torch::tensor(factor)); };
      if (device_.recorded)
        device_.recorded->steps.push_back(work);  // recorded work is not done yet
      else
        work();
      return Tensors{out};
    });
  }
  void expect(std::int64_t length, std::int64_t factor) {
    const torch::Tensor a = torch::rand(length), b = torch::rand(length);
    EXPECT_TRUE(torch::equal(call(a, b, factor)[0], (a + b) * factor)) << length << " numbers, times " << factor;
  }

  Device device_;
  CudaGraphCache calls_{torch::kCPU, device_.make()};
  int called_ = 0;
  bool throws_ = false;
};

TEST_F(CudaGraphCacheTest, RecordsWhatComesAgain) {
  expect(5, 2);
  EXPECT_EQ(device_.recordings, 0);
  expect(5, 2);
  EXPECT_EQ(device_.recordings, 1);
  for (int i = 0; i < 4; ++i) expect(5, 2);
  EXPECT_EQ(device_.recordings, 1);
  EXPECT_EQ(device_.replays, 5);
  EXPECT_EQ(called_, 3);  // the first call, to warm up, to record
}

TEST_F(CudaGraphCacheTest, TellsShapesAndConstantsApart) {
  for (int i = 0; i < 3; ++i) {
    expect(5, 2);
    expect(6, 2);
    expect(5, 3);
    const torch::Tensor a = torch::rand(5);
    EXPECT_TRUE(torch::equal(call(a, {}, 2)[0], a * 2));
  }
  EXPECT_EQ(device_.recordings, 4);
}

TEST_F(CudaGraphCacheTest, GivesResultsThatStay) {
  expect(3, 2);
  const Tensors one = call(torch::ones(3), torch::zeros(3), 2), two = call(torch::ones(3), torch::ones(3), 2);
  EXPECT_EQ(one[0][0].item<float>(), 2);
  EXPECT_EQ(two[0][0].item<float>(), 4);
}

TEST_F(CudaGraphCacheTest, TakesInputsOfAnyLayout) {
  const torch::Tensor a = torch::rand({4, 3}).t(), b = torch::rand({3, 4});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(torch::equal(call(a, b, 1)[0], a + b));
    EXPECT_TRUE(torch::equal(call(a.contiguous(), b, 1)[0], a + b));
  }
}

TEST_F(CudaGraphCacheTest, KeepsSoManyShapes) {
  const auto most = static_cast<std::int64_t>(CudaGraphCache::most_shapes);
  for (int i = 0; i < 2; ++i)
    for (std::int64_t length = 1; length <= most; ++length) expect(length, 2);
  EXPECT_EQ(device_.alive, int(most));
  expect(1, 2);  // the first one is the last used now
  expect(100, 2);
  EXPECT_EQ(device_.alive, int(most) - 1);
  const int before = device_.recordings;
  expect(1, 2);
  EXPECT_EQ(device_.recordings, before);
  expect(2, 2);  // went
  expect(2, 2);
  EXPECT_EQ(device_.recordings, before + 1);
}

TEST_F(CudaGraphCacheTest, GoesOnWithoutWhereItCannotRecord) {
  device_.fails = true;
  for (int i = 0; i < 4; ++i) expect(5, 2);
  EXPECT_EQ(device_.replays, 0);
  EXPECT_EQ(device_.alive, 0);
  EXPECT_EQ(called_, 1 + 3 + 2);  // the second call tried it
}

TEST_F(CudaGraphCacheTest, PassesErrorsOn) {
  throws_ = true;
  for (int i = 0; i < 3; ++i) EXPECT_THROW(call(torch::ones(2), {}, 1), std::runtime_error);
  EXPECT_EQ(device_.recorded, nullptr);
}

TEST_F(CudaGraphCacheTest, RecordsNothingWhereNoneAreWanted) {
  {
    const NoGraphs none;
    for (int i = 0; i < 3; ++i) expect(5, 2);
  }
  EXPECT_EQ(device_.recordings, 0);
  for (int i = 0; i < 2; ++i) expect(5, 2);
  EXPECT_EQ(device_.recordings, 1);
}

TEST(CudaGraphCache, OnTheCpuOnlyCalls) {
  const CudaGraphCache calls(torch::kCPU);
  int called = 0;
  for (int i = 0; i < 4; ++i) {
    const torch::Tensor x = torch::rand(3);
    const Tensors out = calls({x}, {}, [&](const Tensors& inputs) {
      ++called;
      EXPECT_TRUE(inputs[0].is_same(x));  // without a copy
      return Tensors{inputs[0] * 2};
    });
    EXPECT_TRUE(torch::equal(out[0], x * 2));
  }
  EXPECT_EQ(called, 4);
}

TEST(Device, OnTheCpuNothingIsSent) {
  const torch::Tensor x = torch::rand(3);
  EXPECT_TRUE(send(x, torch::kCPU).is_same(x));
  const OwnStream stream(torch::kCPU);
  EXPECT_TRUE(torch::equal(x + x, x * 2));
}

}  // namespace
}  // namespace voxconv::nn
