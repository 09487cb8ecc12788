// Checks the matrix tiles.
#pragma once

#include <cstring>

#include "check.h"

inline bf16 upperHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<bf16>(bits >> 16);
}
inline float fromUpperHalf(bf16 half) {
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The types of a tile, random values of them, and what these mean.
struct TypesF32 {
  using X = float;
  using W = float;
  using Out = float;
  static constexpr int kDepth = 1;
  static X x(Random& random, float size) { return random.normal() * size; }
  static W w(Random& random, float size) { return random.normal() * size; }
  static double value(float v) { return v; }
};
struct TypesBf16 {
  using X = bf16;
  using W = bf16;
  using Out = float;
  static constexpr int kDepth = 2;
  static X x(Random& random, float size) { return upperHalf(random.normal() * size); }
  static W w(Random& random, float size) { return upperHalf(random.normal() * size); }
  static double value(bf16 v) { return fromUpperHalf(v); }
};
struct TypesI8 {
  using X = uint8_t;
  using W = int8_t;
  using Out = int32_t;
  static constexpr int kDepth = 4;
  static X x(Random& random, float) { return static_cast<uint8_t>(random.bits()); }
  static W w(Random& random, float) { return static_cast<int8_t>(random.bits()); }
  static double value(int v) { return v; }
};

template <class Types>
struct TileCase {
  int rows, K, columns;
  int64_t ldx;
  Exact<typename Types::X> x;
  Exact<typename Types::W> panel;

  TileCase(Random& random, int maxRows, int numColumns, int longest)
      : rows(random.between(1, maxRows)),
        K((random.length(longest) + Types::kDepth - 1) / Types::kDepth * Types::kDepth),
        columns(numColumns),
        ldx(K + random.between(0, 3)),
        x((rows - 1) * ldx + K),
        panel(static_cast<int64_t>(K) * columns) {
    const float size = random.between(0, 4) == 0 ? 1e12f : 1;
    for (int64_t i = 0; i < x.size(); ++i) x[i] = Types::x(random, size);
    for (int64_t i = 0; i < panel.size(); ++i) panel[i] = Types::w(random, 1 / size);
  }

  /** start + x . panel, start being all zeros or what the tile adds to. */
  Expected expected(const Exact<typename Types::Out>& start) const {
    Expected result;
    for (int i = 0; i < rows * columns; ++i) {
      double sum = start[i], size = std::fabs(sum);
      for (int k = 0; k < K; ++k) {
        const int64_t group = static_cast<int64_t>(k / Types::kDepth) * columns + i % columns;
        const double w = Types::value(panel[group * Types::kDepth + k % Types::kDepth]);
        const double product = Types::value(x[i / columns * ldx + k]) * w;
        sum += product;
        size += std::fabs(product);
      }
      // The rounding errors of a running sum grow like the root of its length. Integers are exact.
      result.add(sum, std::is_integral_v<typename Types::Out> ? 0 : kEps * std::sqrt(K + 1.0) * size);
    }
    return result;
  }

  /** Runs tile(rows, x, out) for all rows and for each row alone; values that differ between the two become NaN. */
  template <class Tile>
  Values run(const Exact<typename Types::Out>& start, Tile tile) const {
    Exact<typename Types::Out> out(start), alone(start);
    tile(rows, x.data(), out.data());
    for (int r = 0; r < rows; ++r) tile(1, x.data() + r * ldx, alone.data() + r * columns);
    Values values;
    append(values, out);
    for (int64_t i = 0; i < out.size(); ++i) {
      if (std::memcmp(&out[i], &alone[i], sizeof out[i]) != 0) values[static_cast<size_t>(i)] = NAN;
    }
    return values;
  }
};

constexpr int kTileCases = 40;
/** More than a tile has: attention's products take any number. */
constexpr int kManyRows = 3 * kTileRows;

template <class Types, class Member>
void checkTile(Test& test, const char* name, Member member) {
  for (int i = 0; i < kTileCases; ++i) {
    const TileCase<Types> c(test.random, kTileRows, kPanel, 4200);
    const Exact<typename Types::Out> zeros(c.rows * kPanel);
    test.check(name, c.expected(zeros), false, [&](const Kernels& kernels) {
      return c.run(zeros, [&](int rows, const auto* x, auto* out) {
        (kernels.*member)(rows, c.K, x, c.ldx, c.panel.data(), out);
      });
    });
  }
}

template <class Types, class Member>
void checkScores(Test& test, const char* name, Member member) {
  for (int i = 0; i < kTileCases; ++i) {
    const TileCase<Types> c(test.random, kManyRows, kKeyBlock, 300);
    const int columns = test.random.between(1, kKeyBlock);
    const Exact<float> zeros(c.rows * kKeyBlock);
    const Expected expected = c.expected(zeros);
    test.check(name, expected, false, [&](const Kernels& kernels) {
      Values values = c.run(zeros, [&](int rows, const auto* x, float* out) {
        (kernels.*member)(rows, c.K, columns, x, c.ldx, c.panel.data(), out, kKeyBlock);
      });
      // Columns that were not asked for may be anything.
      for (size_t at = 0; at < values.size(); ++at) {
        if (static_cast<int>(at % kKeyBlock) >= columns) values[at] = expected.values[at];
      }
      return values;
    });
  }
}

template <class Types, class Member>
void checkValues(Test& test, const char* name, Member member) {
  for (int i = 0; i < kTileCases; ++i) {
    const TileCase<Types> c(test.random, kManyRows, kValueBlock, 500);
    const Exact<float> start = test.random.floats(c.rows * kValueBlock, i % 2);
    test.check(name, c.expected(start), false, [&](const Kernels& kernels) {
      return c.run(start, [&](int rows, const auto* x, float* out) {
        (kernels.*member)(rows, c.K, x, c.ldx, c.panel.data(), out, kValueBlock);
      });
    });
  }
}

inline void checkTiles(Test& test) {
  checkTile<TypesF32>(test, "tileF32", &Kernels::tileF32);
  checkTile<TypesBf16>(test, "tileBf16", &Kernels::tileBf16);
  checkTile<TypesI8>(test, "tileI8", &Kernels::tileI8);
  checkScores<TypesF32>(test, "scoresF32", &Kernels::scoresF32);
  checkScores<TypesBf16>(test, "scoresBf16", &Kernels::scoresBf16);
  checkValues<TypesF32>(test, "valuesF32", &Kernels::valuesF32);
  checkValues<TypesBf16>(test, "valuesBf16", &Kernels::valuesBf16);
}
