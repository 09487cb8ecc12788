// Matrix products with all that follows them in one pass.
#pragma once

#include "kernels.h"
#include "matrix.h"
#include "threads.h"
#include "weights.h"

/** out = activation(x . weight^T + bias) + residual; with `up`, out = silu(x . weight^T) * (x . up^T). */
struct LinearArgs {
  const Matrix& x;
  const PackedWeight& weight;
  /** Of the same shape and format; then bias, activation and residual are absent. */
  const PackedWeight* up = nullptr;
  /** Readable up to a multiple of 48. */
  const float* bias = nullptr;
  Activation activation = kActivationNone;
  const Matrix* residual = nullptr;
  /** f32 or bf16 */
  const Matrix& out;
};

/** A row's result does not depend on the other rows, nor on the number of threads. */
void linear(const Kernels& kernels, const LinearArgs& args, ThreadPool& pool);
