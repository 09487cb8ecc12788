// One run of a plan: where its values lie, and each step as calls of the functions that compute it.
#pragma once

#include <atomic>
#include <map>
#include <utility>
#include <vector>

#include "arena.h"
#include "attention.h"
#include "batch.h"
#include "executor.h"
#include "kept.h"
#include "linear.h"
#include "query_tiles.h"
#include "steps.h"

/** What a run uses of its executor. */
struct RunResources {
  const Plan& plan;
  const Kernels& kernels;
  ThreadPool& pool;
  const Weights& weights;
  Arena& arena;
  const KeptSpans& kept;
};

class Run {
 public:
  /** Checks the batch and places all values. The batch stays alive as long as the run. */
  Run(const RunResources& resources, const Batch& batch);

  void steps(const std::atomic<bool>& isCancelled);
  std::vector<RunOutput> outputs() const;
  const Statistics& statistics() const { return statistics_; }
  /** The spans that the batch keeps, once the steps have run. */
  KeptByNumber takeKept() { return std::move(fresh_); }

  // A step of each kind; called by steps().
  void operator()(const EmbedStep& s);
  void operator()(const NormStep& s);
  void operator()(const LinearStep& s);
  void operator()(const SwigluLinearStep& s);
  void operator()(const HeadRotaryStep& s);
  void operator()(const AttentionStep& s);
  void operator()(const GatherStep& s);
  void operator()(const PlaceStep& s);
  void operator()(const SwigluStep& s);
  void operator()(const AddStep& s);
  void operator()(const ScaleStep& s);
  void operator()(const MeanStep& s);
  void operator()(const NormalizeStep& s);
  void operator()(const ConvertStep& s);

 private:
  void placeInputs();
  void tileQueries();
  void placeResults();
  /** Of a step; `rooms` are those of its spans. */
  AttentionArgs attentionArgs(const AttentionStep& s, const std::vector<PanelRoom>& rooms) const;
  std::vector<PanelRoom> rooms(int step, const AttentionStep& s) const;
  /** Scratch of an attention, with room for its result where that is converted afterwards. */
  int64_t scratchBytes(int step, const AttentionStep& s) const;
  void multiply(const LinearArgs& args);

  const Matrix& value(int index) const { return values_[index]; }
  const Matrix* optional(int index) const { return index == kNone ? nullptr : &values_[index]; }
  const float* vector(int index) const { return index == kNone ? nullptr : weights_.vector(index); }

  const Plan& plan_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  const Weights& weights_;
  Arena& arena_;
  const KeptSpans& kept_;
  const Batch& batch_;
  std::vector<Matrix> values_;  // by index of Plan::values
  StepContext context_;
  KeptByNumber fresh_;
  /** By spans and queryRows of an attention step: all layers ask in the same way. */
  std::map<std::pair<int, int>, std::vector<QueryTile>> tiles_;
  int step_ = 0;                           // being run
  std::vector<unsigned char*> scratches_;  // by step
  Statistics statistics_;
};
