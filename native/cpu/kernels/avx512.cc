// The kernels for AVX-512 without dot products. Compiled with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma.

#include "simd_avx512.h"
#include "tables.h"

#include "halves.inl"
#include "maths.inl"
#include "rows.inl"
#include "tiles.inl"

const Kernels kAvx512Kernels = kernelTable<ProductF32, ProductBf16Expanded, ProductI8Expanded>("avx512");
