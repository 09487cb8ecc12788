// Keys and values of spans that outlive a run.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "attention.h"
#include "batch.h"
#include "memory.h"
#include "plan.h"

/** The packed keys and values of one span, for every attention step that reads its spans. */
struct KeptSpan {
  int input;  // of the plan: its spans
  int64_t rows;
  Mapping memory;
};

/** By the number that the caller chose. */
using KeptByNumber = std::map<int64_t, KeptSpan>;

/** Those of a plan. Spans of an input can be kept where all that reads them is causal attention. */
class KeptSpans {
 public:
  explicit KeptSpans(const Plan& plan);

  /** Bytes that a kept span takes; 0 where the plan has no spans that can be kept. From any thread. */
  int64_t bytes(int64_t rows) const;

  /** Throws Failure (INPUT_INVALID) where a batch keeps or names what it cannot. */
  void check(const Plan& plan, const Batch& batch) const;
  /** Room for the spans that a batch keeps, which has been checked. Throws std::bad_alloc. */
  KeptByNumber makeRoom(const Batch& batch) const;
  /** Where the panels of a step lie, by span; none where no span of the batch is kept. `fresh` is of makeRoom(). */
  std::vector<PanelRoom> rooms(int step, int input, const SpanLists& spans, const KeptByNumber& fresh) const;

  /** Takes the spans of a run that succeeded. */
  void add(KeptByNumber&& spans) noexcept { byNumber_.merge(spans); }
  /** A number that is not there is no error. */
  void forget(int64_t number) { byNumber_.erase(number); }

 private:
  /** Bytes of a block of keys, with their values, in all steps of an input; 0 where its spans cannot be kept. */
  std::vector<int64_t> blockBytes_;
  /** By step: those of the steps before it. */
  std::vector<int64_t> blockBytesBefore_;
  KeptByNumber byNumber_;
};
