// The worker's queue and its way back to JavaScript, a thread-safe function.

#include "worker.h"

#include <utility>

#include "../failure.h"

void Worker::start(napi_env env, std::shared_ptr<Worker> worker) {
  Worker* const self = worker.get();
  // The thread-safe function owns the worker too: it outlives the thread and every delivery.
  auto keeper = std::make_unique<std::shared_ptr<Worker>>(std::move(worker));
  check(env, napi_create_threadsafe_function(env, nullptr, nullptr, makeText(env, "qvl cpu"), 0, 1, keeper.get(),
                                             finalize, self, settle, &self->settle_));
  keeper.release();
  try {
    check(env, napi_unref_threadsafe_function(env, self->settle_));
    self->thread_ = std::thread([self] { self->loop(); });
  } catch (...) {
    napi_release_threadsafe_function(self->settle_, napi_tsfn_release);
    throw;
  }
}

napi_value Worker::submit(napi_env env, std::unique_ptr<Job> job) {
  napi_value promise;
  check(env, napi_create_promise(env, &job->deferred_, &promise));
  if (numOpen_++ == 0) check(env, napi_ref_threadsafe_function(env, settle_));
  {
    std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  changed_.notify_one();
  return promise;
}

void Worker::cancel() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (current_ != nullptr) current_->isCancelled_ = true;
}

void Worker::close() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    isClosing_ = true;
    if (current_ != nullptr) current_->isCancelled_ = true;
  }
  changed_.notify_one();
}

void Worker::loop() {
  while (std::unique_ptr<Job> job = next()) {
    try {
      if (job->isCancelled_) throw Failure(kClosed, "The device was closed before this work began.");
      job->work();
    } catch (...) {
      job->error_ = std::current_exception();
    }
    deliver(std::move(job));
  }
  end();
  if (!isSettleGone_) napi_release_threadsafe_function(settle_, napi_tsfn_release);
}

/** The next job, already cancelled when the worker is closing; none when it is closing and all are done. */
std::unique_ptr<Job> Worker::next() {
  std::unique_lock<std::mutex> lock(mutex_);
  current_ = nullptr;
  changed_.wait(lock, [this] { return isClosing_ || !waiting_.empty(); });
  if (waiting_.empty()) return nullptr;
  std::unique_ptr<Job> job = std::move(waiting_.front());
  waiting_.pop_front();
  current_ = job.get();
  if (isClosing_) job->isCancelled_ = true;
  return job;
}

void Worker::deliver(std::unique_ptr<Job> job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    current_ = nullptr;
  }
  if (isSettleGone_) return;
  const napi_status status = napi_call_threadsafe_function(settle_, job.get(), napi_tsfn_nonblocking);
  if (status == napi_ok) {
    job.release();
  } else {
    // The environment is going away: nobody waits for the promise, and the function must not be used again.
    isSettleGone_ = true;
  }
}

void Worker::settle(napi_env env, napi_value, void* worker, void* data) {
  const std::unique_ptr<Job> job(static_cast<Job*>(data));
  if (env == nullptr) return;
  auto* const self = static_cast<Worker*>(worker);
  if (--self->numOpen_ == 0) napi_unref_threadsafe_function(env, self->settle_);
  napi_value value = nullptr;
  try {
    job->finish(env);
    if (!job->error_) value = job->result(env);
  } catch (...) {
    job->error_ = std::current_exception();
  }
  if (job->error_) {
    napi_reject_deferred(env, job->deferred_, makeError(env, job->error_));
  } else {
    napi_resolve_deferred(env, job->deferred_, value);
  }
}

void Worker::finalize(napi_env env, void* data, void*) {
  const std::unique_ptr<std::shared_ptr<Worker>> keeper(static_cast<std::shared_ptr<Worker>*>(data));
  Worker& self = **keeper;
  self.close();
  if (self.thread_.joinable()) self.thread_.join();
  self.release(env);
}
