// A pool of threads that share loops; they sleep between loops.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

class ThreadPool {
 public:
  using Body = std::function<void(int64_t index, int thread)>;

  /** Starts `threads` - 1 workers: the caller of a loop is thread 0. Throws std::system_error when it cannot. */
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /**
   * Calls body(index, thread) for every index below count, each once, in any order; returns when all are done. A body
   * that throws ends the loop early, and the first exception reaches the caller. Only one thread may call this at a
   * time, and a body may not call it.
   */
  void parallelFor(int64_t count, const Body& body);

 private:
  struct Loop {
    const Body& body;
    const int64_t count;
    std::atomic<int64_t> next{0};
    std::exception_ptr error{};  // guarded by mutex_

    Loop(const Body& body, int64_t count) : body(body), count(count) {}
  };

  void work(int thread);
  void take(Loop& loop, int thread);
  void spinUntilLoop(uint64_t seen) const;
  void stop();

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable started_;
  std::condition_variable finished_;
  Loop* loop_ = nullptr;  // guarded by mutex_, as is stopping_
  bool stopping_ = false;
  std::atomic<uint64_t> numLoops_{0};
  std::atomic<int> numBusy_{0};
};
