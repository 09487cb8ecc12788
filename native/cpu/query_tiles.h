// Which queries of an attention go together.
#pragma once

#include <cstdint>
#include <vector>

#include "attention.h"

/** Queries of a tile: few enough that their outputs stay in the second-level cache. */
constexpr int kTileQueries = 64;

/** Consecutive queries of one span. */
struct QueryTile {
  int64_t first;
  int count;
  int span;
};

/** Where a query stands. */
inline int64_t packedRow(const AttentionArgs& args, int64_t query) {
  return args.queryRows == nullptr ? query : args.queryRows[query];
}

/**
 * Tiles of as many consecutive queries of one span as fit. Of `args`, only queries, rows, queryRows and spans matter.
 * Throws std::invalid_argument for a query at a row that is not there.
 */
std::vector<QueryTile> queryTiles(const AttentionArgs& args);
