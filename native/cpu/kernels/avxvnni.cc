// The kernels for AVX2 with dot products of int8. Compiled with the flags of avx2.cc and -mavxvnni.

#include "simd_avx2.h"
#include "tables.h"

#include "halves.inl"
#include "maths.inl"
#include "rows.inl"
#include "tiles.inl"

namespace {

inline Ints dotBytes(Ints sum, Ints x, Ints w) { return {_mm256_dpbusd_avx_epi32(sum, x, w)}; }

}  // namespace

#include "dots.inl"

const Kernels kAvxVnniKernels = kernelTable<ProductF32, ProductBf16Expanded, ProductI8Dot>("avx_vnni");
