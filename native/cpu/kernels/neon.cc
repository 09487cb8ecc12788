// The kernels for NEON, with dot products where the compiler's target has them (-march=armv8.2-a+dotprod+bf16+i8mm).
// Empty on other processors.

#if defined(__aarch64__)

#include "simd_neon.h"
#include "tables.h"

#include "halves.inl"
#include "maths.inl"
#include "rows.inl"
#include "tiles.inl"

namespace {

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
struct ProductBf16Neon {
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
    return {vbfdotq_f32(sum.v, vreinterpretq_bf16_u32(w.v), vreinterpretq_bf16_u32(x.v))};
  }
};
#else
using ProductBf16Neon = ProductBf16Expanded;
#endif

#if defined(__ARM_FEATURE_MATMUL_INT8)
struct ProductI8Neon {
  using X = uint8_t;
  using W = int8_t;
  using Out = int32_t;
  using Sum = Ints;
  static constexpr int kDepth = 4;
  static constexpr int kParts = 1;
  static constexpr int kVectors = kBlockVectors;
  static Ints weights(const int8_t* panel, int) { return loadBits(panel); }
  static Ints repeat(const uint8_t* x, int) { return splatBits(x); }
  static Ints add(Ints sum, Ints x, Ints w) {
    const int32x4_t total = vreinterpretq_s32_u32(sum.v);
    return {vreinterpretq_u32_s32(vusdotq_s32(total, vreinterpretq_u8_u32(x.v), vreinterpretq_s8_u32(w.v)))};
  }
};
#else
using ProductI8Neon = ProductI8Expanded;
#endif

}  // namespace

const Kernels kNeonKernels = kernelTable<ProductF32, ProductBf16Neon, ProductI8Neon>("neon");

#endif
