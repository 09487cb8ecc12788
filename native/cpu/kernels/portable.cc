// The kernels in plain C++.

#include "simd_portable.h"
#include "tables.h"

#include "maths.inl"
#include "rows.inl"
#include "tiles.inl"

const Kernels kPortableKernels = kernelTable<ProductF32, ProductBf16Expanded, ProductI8Expanded>("portable");
