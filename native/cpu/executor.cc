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
      weights_(plan_, {options.cacheFile, options.isCancelled}, pool_),
      kept_(plan_) {
  statistics_.packedBytes = weights_.packedBytes();
}

std::vector<RunOutput> Executor::run(const Batch& batch, const std::atomic<bool>& isCancelled) {
  Run run({plan_, kernels_, pool_, weights_, arena_, kept_}, batch);
  run.steps(isCancelled);
  const Statistics& spent = run.statistics();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    statistics_.linearSeconds += spent.linearSeconds;
    statistics_.attentionSeconds += spent.attentionSeconds;
    statistics_.totalSeconds += spent.totalSeconds;
  }
  std::vector<RunOutput> outputs = run.outputs();
  kept_.add(run.takeKept());
  return outputs;
}

Statistics Executor::statistics() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return statistics_;
}
