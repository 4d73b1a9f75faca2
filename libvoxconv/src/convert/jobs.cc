#include "convert/jobs.h"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/boundary.h"
#include "core/caller.h"
#include "nn/device.h"

namespace voxconv {

void in_jobs(Converter& converter, int jobs, torch::Device device, const std::function<void(Converter&)>& work,
             const std::function<void()>& stop) {
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
  const auto run = [&](Converter& own) {
    try {
      const nn::OwnStream stream(device);
      work(own);
    } catch (...) {
      failed();
    }
  };
  {
    std::vector<std::jthread> threads;
    bool started = false;
    try {
      for (int i = 1; i < jobs; ++i) threads.emplace_back([&run, own = converter.another()]() mutable { run(own); });
      started = true;
    } catch (...) {
      failed();
    }
    if (started) run(converter);
  }
  if (thrown) call_caller([&] { std::rethrow_exception(thrown); });  // on this thread, as it came out of the other
}

}  // namespace voxconv
