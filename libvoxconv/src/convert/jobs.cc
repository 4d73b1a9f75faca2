#include "convert/jobs.h"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "nn/device.h"

namespace voxconv {

void in_jobs(Converter& converter, int jobs, torch::Device device, const std::function<void(Converter&)>& work,
             const std::function<void()>& stop) {
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto run = [&](Converter& own) {
    try {
      const nn::OwnStream stream(device);
      work(own);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
      stop();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < jobs; ++i) threads.emplace_back([&run, own = converter.another()]() mutable { run(own); });
    run(converter);
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace voxconv
