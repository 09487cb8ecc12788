// The kernels for AVX-512 with dot products of int8 only. Compiled with the flags of avx512.cc and -mavx512vnni.

#include "simd_avx512.h"
#include "tables.h"

#include "halves.inl"
#include "maths.inl"
#include "rows.inl"
#include "tiles.inl"

namespace {

inline Ints dotBytes(Ints sum, Ints x, Ints w) { return {_mm512_dpbusd_epi32(sum, x, w)}; }

}  // namespace

#include "dots.inl"

const Kernels kAvx512VnniKernels = kernelTable<ProductF32, ProductBf16Expanded, ProductI8Dot>("avx512_vnni");
