// Variable-length attention over packed rows: spans with chains of keys before them, causal or not, grouped heads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.h"
#include "threads.h"

struct QueryTile;

/** A span that is not kept, or does not come from an earlier run. */
constexpr int64_t kNoNumber = -1;

/** Span i is rows starts[i] .. starts[i] + rows[i], after the spans chains[chainOffsets[i] .. chainOffsets[i + 1]]. */
struct Spans {
  int count;
  const int32_t* starts;
  const int32_t* rows;
  const int32_t* chainOffsets;
  const int32_t* chains;
  /** Numbers of the spans that an earlier run computed; these have no rows in the batch. kNoNumber for the others. */
  const int64_t* kept;

  bool isKept(int span) const { return kept[span] != kNoNumber; }
};

/** Where the packed keys and values of a span lie. */
struct PanelRoom {
  /** Aligned to 64 bytes; null for a span that attention() packs into its scratch. */
  void* data = nullptr;
  /** What the room was made for: at least the rows of the span. */
  int64_t rows = 0;
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
  /** They cover the rows in order. */
  Spans spans;
  /** By span; null when all spans are packed into the scratch. */
  const PanelRoom* rooms;
  /** Made by queryTiles(), in query_tiles.h. */
  const std::vector<QueryTile>* tiles;
};

/** Bytes of the packed keys and values of a span. */
int64_t panelBytes(int kvHeads, int headDim, bool isBf16, int64_t rows);

/** Bytes of scratch that attention() needs for these sizes, spans and rooms. */
int64_t attentionScratchBytes(const AttentionArgs& args, int threads);

/**
 * Scores are never materialised: keys and values are packed into panels once, in the scratch or in the room of their
 * span; the room of a kept span holds them already. Then each tile of queries goes over its keys in blocks with an
 * online softmax. The result of a query does not depend on the number of threads, on which other queries are in its
 * tile, nor on where the panels lie. `scratch` is aligned to 64 bytes. Throws std::bad_alloc.
 */
void attention(const Kernels& kernels, const AttentionArgs& args, ThreadPool& pool, void* scratch);
