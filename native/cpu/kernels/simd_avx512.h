// Vectors of AVX-512 (F, BW, VL, DQ): 32 registers of 16 lanes; tails by mask registers.
#pragma once

// g++ 12 takes the deliberately undefined operand inside its own intrinsics for a mistake (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#include <immintrin.h>

#include "simd.h"

namespace {

constexpr int kLanes = 16;
// 8 x 3 sums, 3 vectors of weights and one of x fill 28 of the 32 registers.
constexpr int kBlockRows = 8;
constexpr int kBlockVectors = 3;
constexpr int kExpandedVectors = 3;
constexpr int kBlockVectors32 = 2;

struct Floats {
  __m512 v;
};
// The lanes' own type rather than __m512i, which counts as 64-bit lanes: where the two meet in a loop, g++ 12 moves
// sums to other registers and to memory.
using IntLanes = int32_t __attribute__((vector_size(64)));
struct Ints {
  IntLanes v;
  Ints() = default;
  Ints(__m512i whole) : v(reinterpret_cast<IntLanes>(whole)) {}
  operator __m512i() const { return reinterpret_cast<__m512i>(v); }
};

inline __mmask16 mask(Part part) { return static_cast<__mmask16>((1u << part.count) - 1); }

inline Floats splat(float x) { return {_mm512_set1_ps(x)}; }
inline Ints splatInt(uint32_t x) { return {_mm512_set1_epi32(static_cast<int>(x))}; }

// Memory.
inline Floats load(const float* p, Whole) { return {_mm512_loadu_ps(p)}; }
inline Floats load(const float* p, Part part) { return {_mm512_maskz_loadu_ps(mask(part), p)}; }
inline Ints load(const int32_t* p, Whole) { return {_mm512_loadu_si512(p)}; }
inline Ints loadHalves(const uint16_t* p, Whole) {
  return {_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
inline Ints loadHalves(const uint16_t* p, Part part) {
  return {_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask(part), p))};
}
inline Ints loadBits(const void* p) { return {_mm512_loadu_si512(p)}; }
inline Ints splatBits(const void* p) { return splatInt(fourBytes(p)); }
inline void store(float* p, Floats v, Whole) { _mm512_storeu_ps(p, v.v); }
inline void store(float* p, Floats v, Part part) { _mm512_mask_storeu_ps(p, mask(part), v.v); }
inline void store(int32_t* p, Ints v, Whole) { _mm512_storeu_si512(p, v); }
inline void storeHalves(uint16_t* p, Ints v, Whole) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(v));
}
inline void storeHalves(uint16_t* p, Ints v, Part part) {
  _mm256_mask_storeu_epi16(p, mask(part), _mm512_cvtepi32_epi16(v));
}
inline void storeBytes(uint8_t* p, Ints v, Whole) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v));
}
inline void storeBytes(uint8_t* p, Ints v, Part part) { _mm_mask_storeu_epi8(p, mask(part), _mm512_cvtepi32_epi8(v)); }

// Arithmetic.
inline Floats operator+(Floats a, Floats b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Floats operator-(Floats a, Floats b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Floats operator*(Floats a, Floats b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Floats operator/(Floats a, Floats b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Floats fma(Floats a, Floats b, Floats c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Floats max(Floats a, Floats b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Floats min(Floats a, Floats b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Floats timesPowerOfTwo(Floats x, Floats n) { return {_mm512_scalef_ps(x.v, n.v)}; }
inline Floats whereLess(Floats a, Floats b, Floats yes, Floats no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
}
inline Ints whereNan(Floats x, Ints yes, Ints no) {
  return {_mm512_mask_blend_epi32(_mm512_cmp_ps_mask(x.v, x.v, _CMP_UNORD_Q), no, yes)};
}
inline Floats keep(Floats v, Whole, Floats) { return v; }
inline Floats keep(Floats v, Part part, Floats other) { return {_mm512_mask_mov_ps(other.v, mask(part), v.v)}; }
inline float firstLane(Floats v) { return _mm512_cvtss_f32(v.v); }
inline float sum(Floats v) { return _mm512_reduce_add_ps(v.v); }
inline float largest(Floats v) { return _mm512_reduce_max_ps(v.v); }

// Integers.
inline Ints bits(Floats v) { return {_mm512_castps_si512(v.v)}; }
inline Floats floats(Ints v) { return {_mm512_castsi512_ps(v)}; }
inline Ints operator+(Ints a, Ints b) { return {_mm512_add_epi32(a, b)}; }
inline Ints operator-(Ints a, Ints b) { return {_mm512_sub_epi32(a, b)}; }
inline Ints operator&(Ints a, Ints b) { return {_mm512_and_si512(a, b)}; }
inline Ints operator|(Ints a, Ints b) { return {_mm512_or_si512(a, b)}; }
template <int Count>
inline Ints shiftLeft(Ints v) {
  return {_mm512_slli_epi32(v, Count)};
}
template <int Count>
inline Ints shiftRight(Ints v) {
  return {_mm512_srli_epi32(v, Count)};
}
template <int Count>
inline Ints shiftRightSigned(Ints v) {
  return {_mm512_srai_epi32(v, Count)};
}
inline Ints maxSigned(Ints a, Ints b) { return {_mm512_max_epi32(a, b)}; }
inline uint32_t largestSigned(Ints v) { return static_cast<uint32_t>(_mm512_reduce_max_epi32(v)); }
inline Ints evenBytesSigned(Ints v) { return {_mm512_srai_epi16(_mm512_slli_epi16(v, 8), 8)}; }
inline Ints oddBytesSigned(Ints v) { return {_mm512_srai_epi16(v, 8)}; }
inline Ints multiplyHalves(Ints a, Ints b) { return {_mm512_madd_epi16(a, b)}; }

#if defined(__AVX512BF16__)
inline void storeNormalHalves(uint16_t* p, Floats v, Whole) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v.v)));
}
inline void storeNormalHalves(uint16_t* p, Floats v, Part part) {
  _mm256_mask_storeu_epi16(p, mask(part), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v.v)));
}
#endif

template <class Vector>
inline void opaque(Vector& v) {
  asm volatile("" : "+v"(v.v));
}

}  // namespace
