// The pool: workers join the current loop when they wake in time, and the caller waits only for those that joined.

#include "threads.h"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace {

// About 20 microseconds: as long as the gap between two steps of a run, so that workers sleep only between runs.
constexpr int kSpins = 500;

inline void pauseBriefly() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  try {
    for (int thread = 1; thread < threads; thread++) workers_.emplace_back([this, thread] { work(thread); });
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    numLoops_++;
  }
  started_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::parallelFor(int64_t count, const Body& body) {
  if (count <= 0) return;
  if (workers_.empty() || count == 1) {
    for (int64_t index = 0; index < count; index++) body(index, 0);
    return;
  }
  Loop loop(body, count);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    loop_ = &loop;
    numLoops_++;
  }
  started_.notify_all();
  take(loop, 0);
  for (int spin = 0; spin < kSpins && numBusy_.load(std::memory_order_relaxed) > 0; spin++) pauseBriefly();
  std::unique_lock<std::mutex> lock(mutex_);
  loop_ = nullptr;  // a worker that wakes only now finds nothing to join
  finished_.wait(lock, [this] { return numBusy_.load() == 0; });
  if (loop.error) std::rethrow_exception(loop.error);
}

void ThreadPool::take(Loop& loop, int thread) {
  try {
    for (int64_t index; (index = loop.next.fetch_add(1, std::memory_order_relaxed)) < loop.count;) {
      loop.body(index, thread);
    }
  } catch (...) {
    loop.next = loop.count;
    std::lock_guard<std::mutex> lock(mutex_);
    if (!loop.error) loop.error = std::current_exception();
  }
}

void ThreadPool::work(int thread) {
  uint64_t seen = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    if (loop_ != nullptr && numLoops_ != seen) {
      seen = numLoops_;
      Loop& loop = *loop_;
      numBusy_++;
      lock.unlock();
      take(loop, thread);
      lock.lock();
      if (--numBusy_ == 0) finished_.notify_one();
      continue;
    }
    seen = numLoops_;
    lock.unlock();
    spinUntilLoop(seen);
    lock.lock();
    started_.wait(lock, [this, seen] { return numLoops_ != seen; });
  }
}

void ThreadPool::spinUntilLoop(uint64_t seen) const {
  for (int spin = 0; spin < kSpins && numLoops_.load(std::memory_order_relaxed) == seen; spin++) pauseBriefly();
}
