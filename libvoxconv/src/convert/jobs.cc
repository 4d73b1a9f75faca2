#include "convert/jobs.h"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "nn/device.h"

namespace voxconv {

void in_jobs(int jobs, torch::Device device, const std::function<void(int)>& work, const std::function<void()>& stop) {
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto run = [&](int job) {
    try {
      const nn::OwnStream stream(device);
      work(job);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
      stop();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int job = 1; job < jobs; ++job) threads.emplace_back([&run, job] { run(job); });
    run(0);
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace voxconv
