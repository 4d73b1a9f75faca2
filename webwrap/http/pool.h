#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace webwrap::http {

/// A few threads that work through a queue of bounded length.
class Pool {
 public:
  Pool(int threads, std::size_t max_queue);
  ~Pool();                                  ///< works through what is queued first
  bool submit(std::function<void()> work);  ///< false: the queue is full

 private:
  void run();

  const std::size_t max_queue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace webwrap::http
