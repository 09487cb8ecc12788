#include "query_tiles.h"

#include <algorithm>
#include <stdexcept>

namespace {

/** The span of every packed row. */
std::vector<int> spanOfRows(const AttentionArgs& args) {
  std::vector<int> numbers(args.rows);
  for (int span = 0; span < args.spans.count; span++) {
    if (args.spans.isKept(span)) continue;
    std::fill_n(numbers.begin() + args.spans.starts[span], args.spans.rows[span], span);
  }
  return numbers;
}

}  // namespace

std::vector<QueryTile> queryTiles(const AttentionArgs& args) {
  const std::vector<int> spans = spanOfRows(args);
  std::vector<QueryTile> tiles;
  for (int64_t query = 0; query < args.queries; query++) {
    const int64_t row = packedRow(args, query);
    if (row < 0 || row >= args.rows) throw std::invalid_argument("a query stands at a row that is not there");
    if (tiles.empty() || tiles.back().span != spans[row] || tiles.back().count == kTileQueries) {
      tiles.push_back({query, 1, spans[row]});
    } else {
      tiles.back().count++;
    }
  }
  return tiles;
}
