// The kernels in plain C++.

#include "simd_portable.h"
#include "tables.h"

#include "halves.inl"
#include "maths.inl"
#include "rows.inl"
#include "tiles.inl"

namespace {

constexpr int kPeakK = 64;  // a panel and a tile of this depth lie in the first-level cache
constexpr int kPeakTiles = 100;

template <class Product>
void tileBurst() {
  typename Product::X x[kTileRows * kPeakK] = {};
  typename Product::W panel[kPeakK * kPanel] = {};
  typename Product::Out out[kTileRows * kPanel];
  for (int i = 0; i < kPeakTiles; ++i) {
    tile<Product>(kTileRows, kPeakK, x, kPeakK, panel, out);
    asm volatile("" : : "r"(out) : "memory");  // the result counts as used
  }
}

/** Plain C++ cannot say that a value stays in a register, so the peak is the tile's own on cached data. */
template <class Product>
double tilePeak(double seconds) {
  constexpr double kOperations = 2.0 * kTileRows * kPanel * kPeakK;
  return bestRate(seconds, kOperations * kPeakTiles, tileBurst<Product>);
}

constexpr Kernels portableTable() {
  Kernels table = kernelTable<ProductF32, ProductBf16Expanded, ProductI8Expanded>("portable");
  table.peakF32 = tilePeak<ProductF32>;
  table.peakBf16 = tilePeak<ProductBf16Expanded>;
  table.peakI8 = tilePeak<ProductI8Expanded>;
  return table;
}

}  // namespace

const Kernels kPortableKernels = portableTable();
