// The slow calls of the addon: loading, running, measuring.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "executor.h"
#include "worker.h"

/** What a handle stands for. The executor is there once the load has succeeded, and until the worker ends. */
struct Session {
  std::shared_ptr<Worker> worker;
  std::shared_ptr<std::unique_ptr<Executor>> executor = std::make_shared<std::unique_ptr<Executor>>();
  /** Arrays whose numbers the executor reads; deleted with the session. */
  std::vector<napi_ref> arrays;
  bool isClosed = false;
};

struct LoadRequest {
  Plan plan;
  std::vector<napi_ref> arrays;
  const Kernels& kernels;
  int threads;
  std::string cacheFile;
};

/** Resolves to a handle. */
std::unique_ptr<Job> makeLoad(std::shared_ptr<Session> session, LoadRequest request);
/** Resolves to outputs by name. */
std::unique_ptr<Job> makeRun(const Session& session, Batch batch);
/** Resolves to GFLOP/s (GOP/s). Closes the worker. */
std::unique_ptr<Job> makePeak(std::shared_ptr<Worker> worker, const Kernels& kernels, Format format, int threads,
                              double seconds);

/** The session of a handle. Throws Failure (INTERNAL for something else, CLOSED for a closed one). */
std::shared_ptr<Session> sessionOf(napi_env env, napi_value handle);
/** The same, also of a closed one. */
std::shared_ptr<Session> anySessionOf(napi_env env, napi_value handle);
void closeSession(Session& session);
