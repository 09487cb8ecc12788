// Loading, running and counting.

#include "executor.h"

#include <utility>

#include "run.h"
#include "validate.h"

namespace {

Plan checked(Plan plan) {
  checkPlan(plan);
  return plan;
}

}  // namespace

Executor::Executor(Plan plan, const Kernels& kernels, const Options& options)
    : plan_(checked(std::move(plan))),
      kernels_(kernels),
      pool_(options.threads),
      weights_(plan_, {options.cacheFile, options.isCancelled}, pool_) {
  statistics_.packedBytes = weights_.packedBytes();
}

std::vector<RunOutput> Executor::run(const Batch& batch, const std::atomic<bool>& isCancelled) {
  Run run({plan_, kernels_, pool_, weights_, arena_}, batch);
  run.steps(isCancelled);
  const Statistics& spent = run.statistics();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    statistics_.linearSeconds += spent.linearSeconds;
    statistics_.linearFlops += spent.linearFlops;
    statistics_.attentionSeconds += spent.attentionSeconds;
    statistics_.totalSeconds += spent.totalSeconds;
  }
  return run.outputs();
}

Statistics Executor::statistics() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return statistics_;
}
