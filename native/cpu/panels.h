// Rows of keys and values as the panels that the kernels of attention multiply with.
#pragma once

#include <algorithm>
#include <cstring>

#include "formats.h"
#include "kernels.h"

/** Rows that are read one after the other lie far apart, so the processor does not fetch them ahead by itself. */
constexpr int kRowsAhead = 6;

template <class Number>
void fetchAhead(const Number* row, int64_t stride, int rowsLeft, int width) {
  constexpr int kLine = 64 / static_cast<int>(sizeof(Number));
  if (rowsLeft <= kRowsAhead) return;
  for (int i = 0; i < width; i += kLine) __builtin_prefetch(row + kRowsAhead * stride + i);
}

/** Keys, one to a column: panel [dim][48]. Of the 48, `count` are there; the other columns are 0. */
inline void packKeys(const float* keys, int64_t stride, int count, int dim, float* panel) {
  if (count < kKeyBlock) std::fill_n(panel, int64_t{dim} * kKeyBlock, 0.0f);
  for (int key = 0; key < count; key++) {
    const float* const from = keys + key * stride;
    fetchAhead(from, stride, count - key, dim);
    for (int i = 0; i < dim; i++) panel[i * kKeyBlock + key] = from[i];
  }
}

/** Panels of bf16 hold pairs: [dim / 2][48][2]. */
inline void packKeys(const bf16* keys, int64_t stride, int count, int dim, bf16* panel) {
  if (count < kKeyBlock) std::fill_n(panel, int64_t{dim} * kKeyBlock, bf16{0});
  for (int key = 0; key < count; key++) {
    const bf16* const from = keys + key * stride;
    fetchAhead(from, stride, count - key, dim);
    for (int i = 0; i < dim; i += 2) std::memcpy(panel + i * kKeyBlock + key * 2, from + i, 2 * sizeof(bf16));
  }
}

/** Values: panel [48][32], of which `count` rows and `width` columns are there and the others 0. */
inline void packValues(const float* values, int64_t stride, int count, int width, float* panel) {
  if (count < kKeyBlock || width < kValueBlock) std::fill_n(panel, kKeyBlock * kValueBlock, 0.0f);
  for (int key = 0; key < count; key++) {
    fetchAhead(values + key * stride, stride, count - key, width);
    std::copy_n(values + key * stride, width, panel + key * kValueBlock);
  }
}

/** [24][32][2] */
inline void packValues(const bf16* values, int64_t stride, int count, int width, bf16* panel) {
  if (count < kKeyBlock || width < kValueBlock) std::fill_n(panel, kKeyBlock * kValueBlock, bf16{0});
  for (int key = 0; key < count; key++) {
    const bf16* const from = values + key * stride;
    fetchAhead(from, stride, count - key, width);
    if (key % 2 == 0) continue;
    bf16* const to = panel + (key - 1) * kValueBlock;
    for (int i = 0; i < width; i++) {
      to[2 * i] = from[i - stride];
      to[2 * i + 1] = from[i];
    }
  }
  if (count % 2 == 0) return;
  for (int i = 0; i < width; i++) panel[(count - 1) * kValueBlock + 2 * i] = values[(count - 1) * stride + i];
}
