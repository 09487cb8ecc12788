// Variable-length attention over packed rows: spans with chains of keys before them, causal or not, grouped heads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels.h"
#include "threads.h"

/** Span i is rows starts[i] .. starts[i] + rows[i], after the spans chains[chainOffsets[i] .. chainOffsets[i + 1]]. */
struct Spans {
  int count;
  const int32_t* starts;
  const int32_t* rows;
  const int32_t* chainOffsets;
  const int32_t* chains;
};

struct AttentionArgs {
  int heads;
  int kvHeads;
  /** Even. */
  int headDim;
  bool causal;
  float scale;
  /** Whether q, k, v and out are bf16; float32 otherwise. */
  bool isBf16;
  /** [queries, heads * headDim] */
  const void* q;
  /** [rows, kvHeads * headDim] each */
  const void* k;
  const void* v;
  /** Like q. */
  void* out;
  int64_t queries;
  int64_t rows;
  /** Packed row of each query; null when query i stands at row i. */
  const int32_t* queryRows;
  Spans spans;
};

/** Bytes of scratch that attention() needs for these sizes. */
size_t attentionScratchBytes(const AttentionArgs& args, int threads);

/**
 * Scores are never materialised: keys and values are packed into panels once, then each tile of queries goes over its
 * keys in blocks with an online softmax. The result of a query does not depend on the number of threads, nor on which
 * other queries are in its tile. `scratch` is aligned to 64 bytes. Throws std::invalid_argument for spans that do not
 * cover the rows, std::bad_alloc.
 */
void attention(const Kernels& kernels, const AttentionArgs& args, ThreadPool& pool, void* scratch);
