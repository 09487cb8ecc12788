// How packed keys and values lie in memory.
#pragma once

#include <cstdint>

#include "formats.h"
#include "kernels.h"

inline int64_t numKeyBlocks(int64_t rows) { return roundUp(rows, kKeyBlock) / kKeyBlock; }

/**
 * Sizes in elements. A span lies head by head: the key panels of all its blocks, then for each group of channels a
 * value panel of all its keys.
 */
struct PanelSizes {
  int valueGroups;
  int64_t paddedDim;   // channels of all value groups
  int64_t keyPanel;    // [headDim][48]
  int64_t valuePanel;  // a key block in a value panel, [48][32]

  explicit PanelSizes(int headDim)
      : valueGroups(static_cast<int>(roundUp(headDim, kValueBlock) / kValueBlock)),
        paddedDim(int64_t{valueGroups} * kValueBlock),
        keyPanel(int64_t{headDim} * kKeyBlock),
        valuePanel(int64_t{kKeyBlock} * kValueBlock) {}

  int64_t head(int64_t blocks) const { return blocks * (keyPanel + valueGroups * valuePanel); }
};

/** The panels of one span. */
template <class T>
struct SpanPanels {
  T* data;
  int64_t blocks;  // that there is room for

  T* keys(const PanelSizes& sizes, int kvHead, int64_t block) const {
    return data + kvHead * sizes.head(blocks) + block * sizes.keyPanel;
  }
  /** Values of a group of channels from a key block on. */
  T* values(const PanelSizes& sizes, int kvHead, int group, int64_t block) const {
    return keys(sizes, kvHead, blocks) + (group * blocks + block) * sizes.valuePanel;
  }
};
