// Each job: what it does on the worker's thread, and what its promise resolves to.

#include "jobs.h"

#include <atomic>
#include <numeric>
#include <thread>
#include <utility>

namespace {

class LoadJob : public Job {
 public:
  LoadJob(std::shared_ptr<Session> session, LoadRequest request)
      : session_(std::move(session)), request_(std::move(request)) {}

  void work() override {
    session_->load(std::move(request_.plan), request_.kernels, {request_.threads, request_.cacheFile, isCancelled()});
    isLoaded_ = true;
  }

  void finish(napi_env env) override {
    if (isLoaded_) {
      session_->keep(std::move(request_.arrays));
    } else {
      deleteReferences(env, request_.arrays);
      session_->close();
    }
  }

  napi_value result(napi_env env) override { return Session::makeHandle(env, session_); }

 private:
  const std::shared_ptr<Session> session_;
  LoadRequest request_;
  bool isLoaded_ = false;
};

class RunJob : public Job {
 public:
  RunJob(std::shared_ptr<Session> session, Batch batch, napi_ref handle)
      : session_(std::move(session)), batch_(std::move(batch)), handle_(handle) {}

  void work() override {
    outputs_ = session_->executor().run(batch_, isCancelled());
    batch_.clear();
  }

  void finish(napi_env env) override { napi_delete_reference(env, handle_); }

  napi_value result(napi_env env) override {
    napi_value byName;
    check(env, napi_create_object(env, &byName));
    for (const RunOutput& output : outputs_) {
      napi_value value;
      check(env, napi_create_object(env, &value));
      set(env, value, "rows", makeNumber(env, static_cast<double>(output.rows)));
      set(env, value, "width", makeNumber(env, static_cast<double>(output.width)));
      set(env, value, "data", makeFloats(env, output.data));
      set(env, byName, output.name.c_str(), value);
    }
    return byName;
  }

 private:
  const std::shared_ptr<Session> session_;
  Batch batch_;
  const napi_ref handle_;
  std::vector<RunOutput> outputs_;
};

class ForgetJob : public Job {
 public:
  ForgetJob(std::shared_ptr<Session> session, int64_t number) : session_(std::move(session)), number_(number) {}

  void work() override { session_->executor().forget(number_); }

  napi_value result(napi_env env) override {
    napi_value nothing;
    check(env, napi_get_undefined(env, &nothing));
    return nothing;
  }

 private:
  const std::shared_ptr<Session> session_;
  const int64_t number_;
};

class PeakJob : public Job {
 public:
  PeakJob(std::shared_ptr<Worker> worker, const Kernels& kernels, Format format, int threads, double seconds)
      : worker_(std::move(worker)), kernels_(kernels), format_(format), rates_(threads), seconds_(seconds) {}

  void work() override {
    const int threads = static_cast<int>(rates_.size());
    ThreadPool pool(threads);
    std::atomic<int> numReady{0};
    const auto peak = format_ == Format::f32    ? kernels_.peakF32
                      : format_ == Format::bf16 ? kernels_.peakBf16
                                                : kernels_.peakI8;
    pool.parallelFor(threads, [&](int64_t index, int) {
      // Together, and so that every thread takes part: the rate of one core alone may be higher.
      numReady++;
      while (numReady < threads) std::this_thread::yield();
      rates_[index] = peak(seconds_);
    });
  }

  void finish(napi_env) override { worker_->close(); }

  napi_value result(napi_env env) override {
    return makeNumber(env, std::accumulate(rates_.begin(), rates_.end(), 0.0));
  }

 private:
  const std::shared_ptr<Worker> worker_;
  const Kernels& kernels_;
  const Format format_;
  std::vector<double> rates_;  // by thread
  const double seconds_;
};

}  // namespace

std::unique_ptr<Job> makeLoadJob(std::shared_ptr<Session> session, LoadRequest request) {
  return std::make_unique<LoadJob>(std::move(session), std::move(request));
}

std::unique_ptr<Job> makeRunJob(std::shared_ptr<Session> session, Batch batch, napi_ref handle) {
  return std::make_unique<RunJob>(std::move(session), std::move(batch), handle);
}

std::unique_ptr<Job> makeForgetJob(std::shared_ptr<Session> session, int64_t number) {
  return std::make_unique<ForgetJob>(std::move(session), number);
}

std::unique_ptr<Job> makePeakJob(std::shared_ptr<Worker> worker, const Kernels& kernels, Format format, int threads,
                                 double seconds) {
  return std::make_unique<PeakJob>(std::move(worker), kernels, format, threads, seconds);
}
