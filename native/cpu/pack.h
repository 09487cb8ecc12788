// Brings weights into the layout of the matrix kernels: panels of 48 columns, which are 48 output channels.
#pragma once

#include <cstdint>

#include "formats.h"

/** A weight [rows, columns] as a checkpoint stores it, at any alignment. */
struct SourceMatrix {
  SourceType type;
  const unsigned char* data;
  int64_t rows;
  int64_t columns;
};

/** Behind the numbers of an int8 panel. */
struct Int8Columns {
  float scales[kPanel];
  /** 128 times the sum of a column's weights: what x + 128 adds to its products. */
  int32_t corrections[kPanel];
};

constexpr int64_t numPanels(int64_t rows) { return (rows + kPanel - 1) / kPanel; }

/** A multiple of 64. */
constexpr int64_t panelBytes(Format format, int64_t columns) {
  const int64_t numbers = paddedWidth(format, columns) * kPanel * elementBytes(format);
  return numbers + (format == Format::i8 ? static_cast<int64_t>(sizeof(Int8Columns)) : 0);
}

/**
 * Rows 48 * panel .. of a weight as f32 [K][48], bf16 [K/2][48][2] or int8 [K/4][48][4], with zeros where rows or
 * columns are missing. int8 is symmetric per channel, scale = max|w| / 127; a channel with an infinity or NaN gets a
 * NaN scale, so that it shows in the result.
 */
void packPanel(const SourceMatrix& source, int64_t panel, Format format, unsigned char* out);
