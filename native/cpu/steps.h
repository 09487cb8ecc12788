// Every step but matrix products and attention: each goes over its rows once, in parallel.
#pragma once

#include <memory>
#include <vector>

#include "attention.h"
#include "kernels.h"
#include "matrix.h"
#include "threads.h"
#include "weights.h"

/** What all steps of a run share. */
struct StepContext {
  const Kernels& kernels;
  ThreadPool& pool;
  /** Of each thread: room for two rows of the widest value in float32. */
  std::vector<std::unique_ptr<float[]>> scratch;
  int64_t maxWidth;

  StepContext(const Kernels& kernels, ThreadPool& pool, int64_t maxWidth);
  float* inRow(int thread) const { return scratch[thread].get(); }
  float* outRow(int thread) const { return scratch[thread].get() + maxWidth; }
};

/** Throws Failure (INPUT_INVALID) for an id that the table does not have. */
void embedRows(const StepContext& context, const Matrix& ids, const Table& table, const Matrix& out);

/** RMSNorm without a bias, LayerNorm with one. */
struct NormArgs {
  bool isLayerNorm;
  const float* weight;
  const float* bias;
  float eps;
};
void normRows(const StepContext& context, const Matrix& x, const NormArgs& args, const Matrix& out);

/** weight, and cos with sin, may be null. */
struct HeadRotaryArgs {
  int headDim;
  const float* weight;
  float eps;
  const Matrix* cos;
  const Matrix* sin;
};
void headRotaryRows(const StepContext& context, const Matrix& x, const HeadRotaryArgs& args, const Matrix& out);

/** Throws Failure (INPUT_INVALID) for a row that x does not have, as does placeRows. */
void gatherRows(const StepContext& context, const Matrix& x, const Matrix& rows, const Matrix& out);
void placeRows(const StepContext& context, bool adds, const Matrix& x, const Matrix& rows, const Matrix& y,
               const Matrix& out);

void swigluRows(const StepContext& context, const Matrix& gate, const Matrix& up, const Matrix& out);
void addMatrices(const StepContext& context, const Matrix& a, const Matrix& b, const Matrix& out);
void scaleRows(const StepContext& context, const Matrix& x, float factor, const Matrix& out);
/** Throws Failure (INPUT_INVALID) for spans beyond x or without rows. */
void meanRows(const StepContext& context, const Matrix& x, const Spans& spans, const Matrix& out);
void normalizeRows(const StepContext& context, const Matrix& x, const Matrix& out);
void convertRows(const StepContext& context, const Matrix& x, const Matrix& out);
