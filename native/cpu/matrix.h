// A value in memory: rows of numbers in its storage format.
#pragma once

#include <cstdint>

#include "formats.h"

/** Start of every buffer and panel: a cache line. */
constexpr int64_t kAlignment = 64;
/** Rows this far apart fall into the same few places of a first-level cache, and drive each other out of a tile. */
constexpr int64_t kCacheWayBytes = 4096;

struct Matrix {
  Format format = Format::f32;
  int64_t rows = 0;
  int64_t width = 0;
  /** Elements from one row to the next. */
  int64_t stride = 0;
  unsigned char* data = nullptr;
  /** Of i8, one per row. */
  float* scales = nullptr;

  Matrix() = default;
  Matrix(Format format, int64_t rows, int64_t width)
      : format(format), rows(rows), width(width), stride(paddedWidth(format, width)) {}

  /** Moves rows apart by a cache line where they would share their place in the cache. For inputs of products. */
  void spread() {
    if (stride * elementBytes(format) % kCacheWayBytes == 0) stride += kAlignment / elementBytes(format);
  }

  int64_t dataBytes() const { return roundUp(rows * stride * elementBytes(format), kAlignment); }
  /** Of the rows and of the scales behind them. */
  int64_t bytes() const {
    return dataBytes() + (format == Format::i8 ? roundUp(rows * static_cast<int64_t>(sizeof(float)), kAlignment) : 0);
  }
  void place(unsigned char* at) {
    data = at;
    if (format == Format::i8) scales = reinterpret_cast<float*>(at + dataBytes());
  }

  float* floats(int64_t row) const { return reinterpret_cast<float*>(data) + row * stride; }
  bf16* halves(int64_t row) const { return reinterpret_cast<bf16*>(data) + row * stride; }
  uint8_t* bytesOf(int64_t row) const { return data + row * stride; }
  /** Of an integer input. */
  const int32_t* integers() const { return reinterpret_cast<const int32_t*>(data); }
};

/** A row as float32: the row itself, or a copy in `scratch`. */
inline const float* readRow(const Kernels& kernels, const Matrix& x, int64_t row, float* scratch) {
  if (x.format == Format::f32) return x.floats(row);
  if (x.format == Format::bf16) {
    kernels.toF32(x.width, x.halves(row), scratch);
  } else {
    for (int64_t i = 0; i < x.width; i++) scratch[i] = static_cast<float>(x.bytesOf(row)[i] - 128) * x.scales[row];
  }
  return scratch;
}

/** Where to compute a row in float32 before finishRow: the row itself, or `scratch`. */
inline float* beginRow(const Matrix& out, int64_t row, float* scratch) {
  return out.format == Format::f32 ? out.floats(row) : scratch;
}

/** Stores what was computed at beginRow. */
inline void finishRow(const Kernels& kernels, const Matrix& out, int64_t row, const float* computed) {
  if (out.format == Format::bf16) {
    kernels.toBf16(out.width, computed, out.halves(row));
    for (int64_t i = out.width; i < paddedWidth(out.format, out.width); i++) out.halves(row)[i] = 0;
  } else if (out.format == Format::i8) {
    kernels.quantizeRow(out.width, computed, out.bytesOf(row), &out.scales[row]);
    for (int64_t i = out.width; i < paddedWidth(out.format, out.width); i++) out.bytesOf(row)[i] = 128;
  }
}
