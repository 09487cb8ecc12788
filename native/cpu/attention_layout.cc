#include "attention_layout.h"

#include <algorithm>
#include <stdexcept>

AttentionLayout::AttentionLayout(const AttentionArgs& args)
    : valueGroups(static_cast<int>(roundUp(args.headDim, kValueBlock) / kValueBlock)),
      paddedDim(int64_t{valueGroups} * kValueBlock),
      keyPanel(int64_t{args.headDim} * kKeyBlock),
      valuePanel(int64_t{kKeyBlock} * kValueBlock),
      blocks(0) {
  for (int span = 0; span < args.spans.count; span++) {
    firstBlock.push_back(blocks);
    blocks += roundUp(args.spans.rows[span], kKeyBlock) / kKeyBlock;
  }
}

std::vector<int> spanOfRows(const AttentionArgs& args) {
  std::vector<int> spans(args.rows);
  int64_t next = 0;
  for (int span = 0; span < args.spans.count; span++) {
    const int64_t rows = args.spans.rows[span];
    if (args.spans.starts[span] != next || rows < 1 || next + rows > args.rows) {
      throw std::invalid_argument("spans do not cover the rows in order");
    }
    for (int32_t at = args.spans.chainOffsets[span]; at < args.spans.chainOffsets[span + 1]; at++) {
      if (args.spans.chains[at] < 0 || args.spans.chains[at] >= span) throw std::invalid_argument("a chain looks ahead");
    }
    std::fill(spans.begin() + next, spans.begin() + next + rows, span);
    next += rows;
  }
  if (next != args.rows) throw std::invalid_argument("spans do not cover all rows");
  return spans;
}

int64_t packedRow(const AttentionArgs& args, int64_t query) {
  const int64_t row = args.queryRows == nullptr ? query : args.queryRows[query];
  if (row < 0 || row >= args.rows) throw std::invalid_argument("a query stands at a row that is not there");
  return row;
}

std::vector<QueryTile> queryTiles(const AttentionArgs& args) {
  const std::vector<int> spans = spanOfRows(args);
  std::vector<QueryTile> tiles;
  for (int64_t query = 0; query < args.queries; query++) {
    const int span = spans[packedRow(args, query)];
    if (tiles.empty() || tiles.back().span != span || tiles.back().count == kTileQueries) {
      tiles.push_back({query, 1, span});
    } else {
      tiles.back().count++;
    }
  }
  return tiles;
}
