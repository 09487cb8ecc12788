// The kernels for AVX2 and FMA. Compiled with -mavx2 -mfma.

#include "simd_avx2.h"
#include "tables.h"

#include "halves.inl"
#include "maths.inl"
#include "rows.inl"
#include "tiles.inl"

const Kernels kAvx2Kernels = kernelTable<ProductF32, ProductBf16Expanded, ProductI8Expanded>("avx2");
