// Lays panels out one after the other, in the order of the plan's weights.

#include "packed_layout.h"

#include <algorithm>

#include "checksum.h"
#include "pack.h"

namespace {

/** A line of the description. Numbers in memory have no file that identifies them, so their checksum does. */
std::string describe(const PlanWeight& weight) {
  const WeightSource& source = weight.source;
  std::string line = "format " + std::to_string(static_cast<int>(weight.format));
  line += " shape " + std::to_string(weightRows(weight)) + "x" + std::to_string(weightColumns(weight));
  line += " from " + std::to_string(static_cast<int>(source.type));
  if (source.data == nullptr) {
    line += " at " + std::to_string(source.offset);
  } else {
    const int64_t bytes = source.count * static_cast<int64_t>(sizeof(float));
    line += " sum " + std::to_string(checksum(source.data, bytes));
  }
  return line + " name " + weight.name + "\n";
}

}  // namespace

PackedLayout layOut(const Plan& plan) {
  PackedLayout layout;
  layout.description = "panels of " + std::to_string(kPanel) + "\n";
  for (size_t index = 0; index < plan.weights.size(); index++) {
    const PlanWeight& weight = plan.weights[index];
    if (weight.kind != WeightKind::linear) continue;
    const int64_t bytesPerPanel = panelBytes(weight.format, weightColumns(weight));
    layout.entries.push_back({static_cast<int>(index), layout.bytes, bytesPerPanel, layout.numPanels});
    layout.numPanels += numPanels(weightRows(weight));
    layout.bytes += numPanels(weightRows(weight)) * bytesPerPanel;
    layout.maxPanelBytes = std::max(layout.maxPanelBytes, bytesPerPanel);
    layout.description += describe(weight);
  }
  return layout;
}

PanelPlace PackedLayout::panel(int64_t number) const {
  const auto isAfter = [](int64_t wanted, const PackedEntry& entry) { return wanted < entry.firstPanel; };
  const PackedEntry& entry = *(std::upper_bound(entries.begin(), entries.end(), number, isAfter) - 1);
  const int64_t panel = number - entry.firstPanel;
  return {entry.weight, panel, entry.offset + panel * entry.bytesPerPanel, entry.bytesPerPanel};
}
