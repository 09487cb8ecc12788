// The inputs of a run, and the row counts they give.
#pragma once

#include <cstdint>
#include <vector>

#include "attention.h"
#include "plan.h"

/** Packed rows are numbered with 32 bits. */
constexpr int64_t kMaxRows = INT32_MAX;

struct SpanLists {
  std::vector<int32_t> starts, rows, chainOffsets, chains;
  /** Numbers, or kNoNumber. */
  std::vector<int64_t> keep, kept;

  Spans view() const {
    return {static_cast<int>(starts.size()), starts.data(), rows.data(), chainOffsets.data(), chains.data(),
            kept.data()};
  }
};

/** One input, of the kind that the plan says. */
struct BatchInput {
  std::vector<float> floats;
  std::vector<int32_t> integers;
  SpanLists spans;
};

/** By index of Plan::inputs. */
using Batch = std::vector<BatchInput>;

/**
 * Rows by index of Plan::rowNames. Throws Failure (INPUT_INVALID) when lengths contradict each other, or spans are
 * malformed.
 */
std::vector<int64_t> countRows(const Plan& plan, const Batch& batch);

/** Throws Failure (INPUT_INVALID) unless the spans that are not kept ones cover `rows` rows in order, without gaps. */
void checkCover(const Spans& spans, int64_t rows);
