// The queries of a tile by how many of some keys they see: what lies beyond is not computed.
#pragma once

#include <algorithm>

#include "kernels.h"
#include "query_tiles.h"

/** Neighbouring queries, and the most keys that one of them sees. */
struct Band {
  int first;
  int count;
  int keys;
};

/** Bands of kTileRows queries, those in one that see equally much; none of queries that see nothing. */
class Bands {
 public:
  /** `visible`: how many of the keys each of `count` queries sees. */
  Bands(const int* visible, int count) {
    for (int first = 0; first < count; first += kTileRows) {
      const int rows = std::min(kTileRows, count - first);
      const int keys = *std::max_element(visible + first, visible + first + rows);
      if (keys == 0) continue;
      if (!extendLast(first, rows, keys)) bands_[count_++] = {first, rows, keys};
    }
  }

  const Band* begin() const { return bands_; }
  const Band* end() const { return bands_ + count_; }

 private:
  bool extendLast(int first, int rows, int keys) {
    if (count_ == 0) return false;
    Band& last = bands_[count_ - 1];
    if (last.keys != keys || last.first + last.count != first) return false;
    last.count += rows;
    return true;
  }

  Band bands_[kTileQueries / kTileRows];
  int count_ = 0;
};
