// The kernels for AVX-512 with dot products of bf16 and int8. Compiled with the flags of avx512.cc and -mavx512bf16
// -mavx512vnni.

#include "simd_avx512.h"
#include "tables.h"

#include "halves.inl"
#include "maths.inl"
#include "rows.inl"
#include "tiles.inl"

namespace {

/** The instruction sums a pair without rounding between, and takes subnormal numbers as 0. */
struct ProductBf16Dot {
  using X = bf16;
  using W = bf16;
  using Out = float;
  using Sum = Floats;
  static constexpr int kDepth = 2;
  static constexpr int kParts = 1;
  static constexpr int kVectors = kBlockVectors;
  static Ints weights(const bf16* panel, int) { return loadBits(panel); }
  static Ints repeat(const bf16* x, int) { return splatBits(x); }
  static Floats add(Floats sum, Ints x, Ints w) {
    return {_mm512_dpbf16_ps(sum.v, reinterpret_cast<__m512bh>(x.v), reinterpret_cast<__m512bh>(w.v))};
  }
};

inline Ints dotBytes(Ints sum, Ints x, Ints w) { return {_mm512_dpbusd_epi32(sum, x, w)}; }

}  // namespace

#include "dots.inl"

const Kernels kAvx512Bf16Kernels = kernelTable<ProductF32, ProductBf16Dot, ProductI8Dot>("avx512_bf16");
