// The tables of all instruction sets, each defined in the file of that set, and the clock that their peak loops share.
//
// This header and peak.cc are the only code that files compiled with different instruction-set flags have in common.
// Everything else they use lies in unnamed namespaces: a function shared between them could be linked in its AVX-512
// form into a program that must run without AVX-512.
#pragma once

#include "../kernels.h"

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvxVnniKernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx512VnniKernels;
extern const Kernels kAvx512Bf16Kernels;
#elif defined(__aarch64__)
extern const Kernels kNeonKernels;
#endif

/** Calls burst, which does `operations` operations, for about `seconds`; the best rate of a call, in 1e9 per second. */
double bestRate(double seconds, double operations, void (*burst)());
