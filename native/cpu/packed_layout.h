// Where each panel of a plan's linear weights lies in packed memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan.h"

struct PackedEntry {
  int weight;  // index into Plan::weights
  int64_t offset;
  int64_t bytesPerPanel;
  /** Number of its first panel, counted over all weights. */
  int64_t firstPanel;
};

struct PanelPlace {
  int weight;
  /** Counted within the weight. */
  int64_t panel;
  int64_t offset;
  int64_t bytes;
};

struct PackedLayout {
  std::vector<PackedEntry> entries;
  int64_t numPanels = 0;
  int64_t bytes = 0;
  int64_t maxPanelBytes = 0;
  /** Everything that decides the packed bytes, except what the files contain. */
  std::string description;

  /** The panel of that number. */
  PanelPlace panel(int64_t number) const;
};

PackedLayout layOut(const Plan& plan);
