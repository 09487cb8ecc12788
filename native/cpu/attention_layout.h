// How attention() splits its work: where packed keys and values lie, and which queries go together.
#pragma once

#include <cstdint>
#include <vector>

#include "attention.h"
#include "formats.h"

/** Queries of a unit of work: few enough that their outputs stay in the second-level cache. */
constexpr int kTileQueries = 64;

/** Sizes of the packed panels, in elements, and where they start. */
struct AttentionLayout {
  int valueGroups;        // value panels of a key block
  int64_t paddedDim;      // channels of those panels
  int64_t keyPanel;       // elements of a key panel [headDim][48]
  int64_t valuePanel;     // elements of a key block in a value panel, [48][32]
  int64_t blocks;         // key blocks of all spans
  std::vector<int64_t> firstBlock;  // of each span

  explicit AttentionLayout(const AttentionArgs& args);

  int64_t keyOffset(int kvHead, int64_t block) const { return (kvHead * blocks + block) * keyPanel; }
  /** A span's values: a panel of all its keys for each group of channels. */
  int64_t valueOffset(int kvHead, int span, int group) const {
    return ((kvHead * blocks + firstBlock[span]) * valueGroups + group * numBlocks(span)) * valuePanel;
  }
  int64_t numBlocks(int span) const {
    return (span + 1 < static_cast<int>(firstBlock.size()) ? firstBlock[span + 1] : blocks) - firstBlock[span];
  }
};

/** Consecutive queries of one span; their rows are in order where `causal` cuts keys by the last one. */
struct QueryTile {
  int64_t first;
  int count;
  int span;
};

/** The span of every packed row. Throws std::invalid_argument for spans that do not cover the rows in order. */
std::vector<int> spanOfRows(const AttentionArgs& args);

/** Where a query stands. Throws std::invalid_argument for a row that is not there. */
int64_t packedRow(const AttentionArgs& args, int64_t query);

/** Units of work: as many consecutive queries of one span as fit. */
std::vector<QueryTile> queryTiles(const AttentionArgs& args);
