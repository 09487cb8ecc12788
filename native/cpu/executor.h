// A loaded plan: its weights, its threads, and runs of its steps over batches.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "arena.h"
#include "batch.h"
#include "kept.h"
#include "kernels.h"
#include "plan.h"
#include "threads.h"
#include "weights.h"

struct RunOutput {
  std::string name;
  int64_t rows;
  int64_t width;
  std::vector<float> data;
};

/** Where the time of all runs so far went. */
struct Statistics {
  double linearSeconds = 0;
  double attentionSeconds = 0;
  double totalSeconds = 0;
  int64_t packedBytes = 0;
};

class Executor {
 public:
  struct Options {
    int threads;
    std::string cacheFile;
    const std::atomic<bool>& isCancelled;
  };

  /** Checks the plan and loads its weights. Throws Failure, std::bad_alloc, std::system_error. */
  Executor(Plan plan, const Kernels& kernels, const Options& options);

  /** Runs one batch at a time. Throws Failure (INPUT_INVALID, or CANCELLED between two steps), std::bad_alloc. */
  std::vector<RunOutput> run(const Batch& batch, const std::atomic<bool>& isCancelled);
  /** Frees a kept span. Not during a run. */
  void forget(int64_t number) { kept_.forget(number); }

  // From any thread.
  Statistics statistics() const;
  /** Bytes that a kept span takes; 0 where this plan keeps none. */
  int64_t keptBytes(int64_t rows) const { return kept_.bytes(rows); }
  const Plan& plan() const { return plan_; }
  const std::string& warning() const { return weights_.warning(); }

 private:
  const Plan plan_;
  const Kernels& kernels_;
  ThreadPool pool_;
  const Weights weights_;
  Arena arena_;
  KeptSpans kept_;
  mutable std::mutex mutex_;
  Statistics statistics_;  // guarded by mutex_
};
