// A thread of its own for jobs from JavaScript, so that none of them blocks the event loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "js_values.h"

/** Something slow that a promise waits for. */
class Job {
 public:
  virtual ~Job() = default;
  /** On the worker's thread. What it throws rejects the promise. */
  virtual void work() = 0;
  /** On JavaScript's thread, after work() went well: what the promise resolves to. */
  virtual napi_value result(napi_env env) = 0;
  /** On JavaScript's thread, whatever became of the job. */
  virtual void finish(napi_env) {}

  const std::atomic<bool>& isCancelled() const { return isCancelled_; }

 private:
  friend class Worker;
  napi_deferred deferred_ = nullptr;
  std::exception_ptr error_;
  std::atomic<bool> isCancelled_{false};
};

/**
 * Runs jobs in order until it is closed. Methods are for JavaScript's thread. The event loop stays alive while a
 * promise is open. The thread ends with close(), or with the environment.
 */
class Worker {
 public:
  /** Starts the thread of a new worker. */
  static void start(napi_env env, std::shared_ptr<Worker> worker);
  virtual ~Worker() = default;

  /** The job's promise. */
  napi_value submit(napi_env env, std::unique_ptr<Job> job);
  /** Asks the job in progress to stop. */
  void cancel();
  /** Stops: the job in progress is cancelled, and those that wait are rejected. Closing twice is fine. */
  void close();

 protected:
  /** The last thing on the worker's thread. */
  virtual void end() {}
  /** The last thing on JavaScript's thread. */
  virtual void release(napi_env) {}

 private:
  void loop();
  std::unique_ptr<Job> next();
  void deliver(std::unique_ptr<Job> job);
  static void settle(napi_env env, napi_value callback, void* worker, void* job);
  static void finalize(napi_env env, void* keeper, void*);

  std::thread thread_;
  napi_threadsafe_function settle_ = nullptr;
  bool isSettleGone_ = false;  // the thread's alone
  int numOpen_ = 0;            // promises; JavaScript's thread's alone
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::deque<std::unique_ptr<Job>> waiting_;
  Job* current_ = nullptr;
  bool isClosing_ = false;
};
