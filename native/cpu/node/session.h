// What a handle stands for: a loaded plan and the thread it runs on.
#pragma once

#include <memory>
#include <vector>

#include "../executor.h"
#include "worker.h"

class Session : public Worker {
 public:
  /** On the worker's thread. */
  void load(Plan plan, const Kernels& kernels, const Executor::Options& options) {
    executor_ = std::make_unique<Executor>(std::move(plan), kernels, options);
  }
  /** After the load, until the session is closed. */
  Executor& executor() const { return *executor_; }

  /** Keeps arrays alive whose numbers the executor reads. */
  void keep(std::vector<napi_ref> arrays) { arrays_ = std::move(arrays); }

  /** A handle, on which `warning` tells of a cache that could not be written. Closes this session when collected. */
  static napi_value makeHandle(napi_env env, const std::shared_ptr<Session>& session);
  /** Throws Failure (INPUT_INVALID) for something else than a handle, CLOSED for one that was closed. */
  static std::shared_ptr<Session> ofHandle(napi_env env, napi_value handle);
  /** Closes the session of a handle; again is fine. */
  static void closeHandle(napi_env env, napi_value handle);

 protected:
  void end() override { executor_ = nullptr; }
  void release(napi_env env) override;

 private:
  std::unique_ptr<Executor> executor_;
  std::vector<napi_ref> arrays_;
};

void deleteReferences(napi_env env, const std::vector<napi_ref>& references);
