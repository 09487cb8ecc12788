// The slow calls of the addon: loading, running, measuring.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "session.h"

struct LoadRequest {
  Plan plan;
  /** References to weights in memory. */
  std::vector<napi_ref> arrays;
  const Kernels& kernels;
  int threads;
  std::string cacheFile;
};

/** Resolves to a handle. A load that fails closes the session. */
std::unique_ptr<Job> makeLoadJob(std::shared_ptr<Session> session, LoadRequest request);

/** Resolves to the outputs by name. `handle` is kept until then, because a collected handle closes its session. */
std::unique_ptr<Job> makeRunJob(std::shared_ptr<Session> session, Batch batch, napi_ref handle);

/** Frees a kept span; resolves to undefined. */
std::unique_ptr<Job> makeForgetJob(std::shared_ptr<Session> session, int64_t number);

/** Resolves to GFLOP/s, or GOP/s for i8, and closes the worker. */
std::unique_ptr<Job> makePeakJob(std::shared_ptr<Worker> worker, const Kernels& kernels, Format format, int threads,
                                 double seconds);
