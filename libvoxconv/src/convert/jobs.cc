#include "convert/jobs.h"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/boundary.h"
#include "core/caller.h"
#include "nn/device.h"

namespace voxconv {

void in_jobs(int jobs, torch::Device device, const std::function<void(int)>& work, const std::function<void()>& stop) {
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto failed = [&] {
    const std::lock_guard lock(mutex);
    try {
      throw_as_error();
    } catch (...) {
      if (!thrown) thrown = std::current_exception();
    }
    stop();
  };
  const auto run = [&](int job) {
    try {
      const nn::OwnStream stream(device);
      work(job);
    } catch (...) {
      failed();
    }
  };
  {
    std::vector<std::jthread> threads;
    bool started = false;
    try {
      for (int job = 1; job < jobs; ++job) threads.emplace_back([&run, job] { run(job); });
      started = true;
    } catch (...) {
      failed();
    }
    if (started) run(0);
  }
  if (thrown) call_caller([&] { std::rethrow_exception(thrown); });  // on this thread, as it came out of the other
}

}  // namespace voxconv
