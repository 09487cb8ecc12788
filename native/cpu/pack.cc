// Packing one panel: blocks of columns are widened to float32, then stored column after column in the panel's order.

#include "pack.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace {

/** Adding and subtracting it rounds a number below 2^22 to the nearest integer, ties to even. */
constexpr float kRounder = 0x1.8p23f;

/** Columns at a time: a block of a panel's rows is 12 KB and stays in the first-level cache. */
constexpr int64_t kBlock = 64;

/** Some columns of a panel's rows, in float32. */
struct Block {
  float rows[kPanel][kBlock];

  void read(const SourceMatrix& source, int64_t panel, int64_t column) {
    const int64_t count = std::min(kBlock, source.columns - column);
    for (int64_t r = 0; r < kPanel; r++) {
      const int64_t row = panel * kPanel + r;
      const int64_t valid = row < source.rows ? count : 0;
      if (valid > 0) {
        const int64_t at = (row * source.columns + column) * elementBytes(source.type);
        readNumbers(source.type, source.data + at, valid, rows[r]);
      }
      std::fill(rows[r] + valid, rows[r] + kBlock, 0.0f);
    }
  }
};

/** Stores columns in groups: for each group of `group` columns, for each row, its numbers. */
template <typename Number, int group, typename Convert>
void store(const Block& block, int64_t count, Number* out, const Convert& convert) {
  for (int64_t column = 0; column < count; column += group) {
    for (int r = 0; r < kPanel; r++) {
      for (int i = 0; i < group; i++) *out++ = convert(block.rows[r][column + i], r);
    }
  }
}

void packInt8(const SourceMatrix& source, int64_t panel, unsigned char* out) {
  const int64_t padded = paddedWidth(Format::i8, source.columns);
  Block block;
  float largest[kPanel] = {};
  bool isFinite[kPanel];
  std::fill(isFinite, isFinite + kPanel, true);
  for (int64_t column = 0; column < source.columns; column += kBlock) {
    block.read(source, panel, column);
    for (int r = 0; r < kPanel; r++) {
      for (const float value : block.rows[r]) {
        largest[r] = std::max(largest[r], std::fabs(value));
        isFinite[r] = isFinite[r] && std::isfinite(value);
      }
    }
  }
  auto* columns = reinterpret_cast<Int8Columns*>(out + padded * kPanel);
  float inverse[kPanel];
  for (int r = 0; r < kPanel; r++) {
    const float scale = largest[r] / 127;
    columns->scales[r] = isFinite[r] ? scale : std::numeric_limits<float>::quiet_NaN();
    columns->corrections[r] = 0;
    // Below the smallest normal number, the inverse would overflow.
    inverse[r] = isFinite[r] && scale >= std::numeric_limits<float>::min() ? 1 / scale : 0;
  }
  auto quantize = [&](float value, int r) {
    const float scaled = inverse[r] == 0 ? 0 : std::max(-127.0f, std::min(127.0f, value * inverse[r]));
    const int32_t number = static_cast<int32_t>(scaled + kRounder - kRounder);
    columns->corrections[r] += 128 * number;
    return static_cast<int8_t>(number);
  };
  auto* numbers = reinterpret_cast<int8_t*>(out);
  for (int64_t column = 0; column < padded; column += kBlock) {
    block.read(source, panel, column);
    store<int8_t, 4>(block, std::min(kBlock, padded - column), numbers + column * kPanel, quantize);
  }
}

}  // namespace

void packPanel(const SourceMatrix& source, int64_t panel, Format format, unsigned char* out) {
  if (format == Format::i8) return packInt8(source, panel, out);
  const int64_t padded = paddedWidth(format, source.columns);
  Block block;
  for (int64_t column = 0; column < padded; column += kBlock) {
    block.read(source, panel, column);
    const int64_t count = std::min(kBlock, padded - column);
    if (format == Format::bf16) {
      auto toBf16 = [](float value, int) { return floatToBf16(value); };
      store<bf16, 2>(block, count, reinterpret_cast<bf16*>(out) + column * kPanel, toBf16);
    } else {
      auto same = [](float value, int) { return value; };
      store<float, 1>(block, count, reinterpret_cast<float*>(out) + column * kPanel, same);
    }
  }
}
