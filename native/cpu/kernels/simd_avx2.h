// Vectors of AVX2 and FMA: 16 registers of 8 lanes; tails of floats by masked moves, shorter types lane by lane.
#pragma once

#include <immintrin.h>

#include "simd.h"

namespace {

constexpr int kLanes = 8;
// 4 x 3 sums, 3 vectors of weights and one of x fill the 16 registers.
constexpr int kBlockRows = 4;
constexpr int kBlockVectors = 3;
constexpr int kExpandedVectors = 2;  // expanding weights takes registers of its own
constexpr int kBlockVectors32 = 2;

struct Floats {
  __m256 v;
};
// The lanes' own type rather than __m256i, which counts as 64-bit lanes: where the two meet in a loop, g++ 12 moves
// sums to other registers and to memory.
using IntLanes = int32_t __attribute__((vector_size(32)));
struct Ints {
  IntLanes v;
  Ints() = default;
  Ints(__m256i whole) : v(reinterpret_cast<IntLanes>(whole)) {}
  operator __m256i() const { return reinterpret_cast<__m256i>(v); }
};

inline __m256i mask(Part part) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(part.count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/** The lower halves of the lanes, in order. */
inline __m128i lowHalves(Ints v) {
  const __m256i low = _mm256_and_si256(v, _mm256_set1_epi32(0xffff));
  return _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
}

inline Floats splat(float x) { return {_mm256_set1_ps(x)}; }
inline Ints splatInt(uint32_t x) { return {_mm256_set1_epi32(static_cast<int>(x))}; }

// Memory.
inline Floats load(const float* p, Whole) { return {_mm256_loadu_ps(p)}; }
inline Floats load(const float* p, Part part) { return {_mm256_maskload_ps(p, mask(part))}; }
inline Ints load(const int32_t* p, Whole) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
inline Ints loadHalves(const uint16_t* p, Whole) {
  return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
inline Ints loadHalves(const uint16_t* p, Part part) {
  uint16_t copy[kLanes] = {};
  for (int i = 0; i < part.count; ++i) copy[i] = p[i];
  return loadHalves(copy, Whole{});
}
inline Ints loadBits(const void* p) { return {_mm256_loadu_si256(static_cast<const __m256i*>(p))}; }
inline Ints splatBits(const void* p) { return splatInt(fourBytes(p)); }
inline void store(float* p, Floats v, Whole) { _mm256_storeu_ps(p, v.v); }
inline void store(float* p, Floats v, Part part) { _mm256_maskstore_ps(p, mask(part), v.v); }
inline void store(int32_t* p, Ints v, Whole) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
inline void storeHalves(uint16_t* p, Ints v, Whole) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), lowHalves(v));
}
inline void storeHalves(uint16_t* p, Ints v, Part part) {
  uint16_t copy[kLanes];
  storeHalves(copy, v, Whole{});
  for (int i = 0; i < part.count; ++i) p[i] = copy[i];
}
inline void storeBytes(uint8_t* p, Ints v, Whole) {
  const __m128i halves = _mm_and_si128(lowHalves(v), _mm_set1_epi16(0xff));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(halves, halves));
}
inline void storeBytes(uint8_t* p, Ints v, Part part) {
  uint8_t copy[kLanes];
  storeBytes(copy, v, Whole{});
  for (int i = 0; i < part.count; ++i) p[i] = copy[i];
}

// Arithmetic.
inline Floats operator+(Floats a, Floats b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Floats operator-(Floats a, Floats b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Floats operator*(Floats a, Floats b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Floats operator/(Floats a, Floats b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Floats fma(Floats a, Floats b, Floats c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Floats max(Floats a, Floats b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Floats min(Floats a, Floats b) { return {_mm256_min_ps(a.v, b.v)}; }
inline Floats whereLess(Floats a, Floats b, Floats yes, Floats no) {
  return {_mm256_blendv_ps(no.v, yes.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
}
inline Ints whereNan(Floats x, Ints yes, Ints no) {
  return {_mm256_blendv_epi8(no, yes, _mm256_castps_si256(_mm256_cmp_ps(x.v, x.v, _CMP_UNORD_Q)))};
}
inline Floats keep(Floats v, Whole, Floats) { return v; }
inline Floats keep(Floats v, Part part, Floats other) {
  return {_mm256_blendv_ps(other.v, v.v, _mm256_castsi256_ps(mask(part)))};
}
inline float firstLane(Floats v) { return _mm256_cvtss_f32(v.v); }
inline float sum(Floats v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v.v), _mm256_extractf128_ps(v.v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
inline float largest(Floats v) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(v.v), _mm256_extractf128_ps(v.v, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

// Integers.
inline Ints bits(Floats v) { return {_mm256_castps_si256(v.v)}; }
inline Floats floats(Ints v) { return {_mm256_castsi256_ps(v)}; }
inline Ints operator+(Ints a, Ints b) { return {_mm256_add_epi32(a, b)}; }
inline Ints operator-(Ints a, Ints b) { return {_mm256_sub_epi32(a, b)}; }
inline Ints operator&(Ints a, Ints b) { return {_mm256_and_si256(a, b)}; }
inline Ints operator|(Ints a, Ints b) { return {_mm256_or_si256(a, b)}; }
template <int Count>
inline Ints shiftLeft(Ints v) {
  return {_mm256_slli_epi32(v, Count)};
}
template <int Count>
inline Ints shiftRight(Ints v) {
  return {_mm256_srli_epi32(v, Count)};
}
template <int Count>
inline Ints shiftRightSigned(Ints v) {
  return {_mm256_srai_epi32(v, Count)};
}
inline Ints maxSigned(Ints a, Ints b) { return {_mm256_max_epi32(a, b)}; }
inline uint32_t largestSigned(Ints v) {
  __m128i x = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  x = _mm_max_epi32(x, _mm_shuffle_epi32(x, _MM_SHUFFLE(1, 0, 3, 2)));
  x = _mm_max_epi32(x, _mm_shuffle_epi32(x, _MM_SHUFFLE(2, 3, 0, 1)));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(x));
}
inline Ints evenBytesSigned(Ints v) { return {_mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8)}; }
inline Ints oddBytesSigned(Ints v) { return {_mm256_srai_epi16(v, 8)}; }
inline Ints multiplyHalves(Ints a, Ints b) { return {_mm256_madd_epi16(a, b)}; }

template <class Vector>
inline void opaque(Vector& v) {
  asm volatile("" : "+x"(v.v));
}

}  // namespace

#include "power.inl"
