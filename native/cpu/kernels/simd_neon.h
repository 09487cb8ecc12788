// Vectors of NEON on 64-bit ARM: 32 registers of 4 lanes; tails lane by lane.
#pragma once

#include <arm_neon.h>

#include "simd.h"

namespace {

constexpr int kLanes = 4;
// 4 x 6 sums, 6 vectors of weights and one of x fill 31 of the 32 registers.
constexpr int kBlockRows = 4;
constexpr int kBlockVectors = 6;
constexpr int kExpandedVectors = 4;  // expanding weights takes registers of its own
constexpr int kBlockVectors32 = 4;

struct Floats {
  float32x4_t v;
};
struct Ints {
  uint32x4_t v;
};

inline uint32x4_t mask(Part part) {
  const uint32_t numbers[kLanes] = {0, 1, 2, 3};
  return vcltq_u32(vld1q_u32(numbers), vdupq_n_u32(static_cast<uint32_t>(part.count)));
}

inline Floats splat(float x) { return {vdupq_n_f32(x)}; }
inline Ints splatInt(uint32_t x) { return {vdupq_n_u32(x)}; }

// Memory.
inline Floats load(const float* p, Whole) { return {vld1q_f32(p)}; }
inline Floats load(const float* p, Part part) {
  float copy[kLanes] = {};
  for (int i = 0; i < part.count; ++i) copy[i] = p[i];
  return {vld1q_f32(copy)};
}
inline Ints load(const int32_t* p, Whole) { return {vreinterpretq_u32_s32(vld1q_s32(p))}; }
inline Ints loadHalves(const uint16_t* p, Whole) { return {vmovl_u16(vld1_u16(p))}; }
inline Ints loadHalves(const uint16_t* p, Part part) {
  uint16_t copy[kLanes] = {};
  for (int i = 0; i < part.count; ++i) copy[i] = p[i];
  return loadHalves(copy, Whole{});
}
inline Ints loadBits(const void* p) { return {vreinterpretq_u32_u8(vld1q_u8(static_cast<const uint8_t*>(p)))}; }
inline Ints splatBits(const void* p) { return splatInt(fourBytes(p)); }
inline void store(float* p, Floats v, Whole) { vst1q_f32(p, v.v); }
inline void store(float* p, Floats v, Part part) {
  float copy[kLanes];
  vst1q_f32(copy, v.v);
  for (int i = 0; i < part.count; ++i) p[i] = copy[i];
}
inline void store(int32_t* p, Ints v, Whole) { vst1q_s32(p, vreinterpretq_s32_u32(v.v)); }
inline void storeHalves(uint16_t* p, Ints v, Whole) { vst1_u16(p, vmovn_u32(v.v)); }
inline void storeHalves(uint16_t* p, Ints v, Part part) {
  uint16_t copy[kLanes];
  storeHalves(copy, v, Whole{});
  for (int i = 0; i < part.count; ++i) p[i] = copy[i];
}
inline void storeBytes(uint8_t* p, Ints v, Part part) {
  uint32_t copy[kLanes];
  vst1q_u32(copy, v.v);
  for (int i = 0; i < part.count; ++i) p[i] = static_cast<uint8_t>(copy[i]);
}
inline void storeBytes(uint8_t* p, Ints v, Whole) { storeBytes(p, v, Part{kLanes}); }

// Arithmetic.
inline Floats operator+(Floats a, Floats b) { return {vaddq_f32(a.v, b.v)}; }
inline Floats operator-(Floats a, Floats b) { return {vsubq_f32(a.v, b.v)}; }
inline Floats operator*(Floats a, Floats b) { return {vmulq_f32(a.v, b.v)}; }
inline Floats operator/(Floats a, Floats b) { return {vdivq_f32(a.v, b.v)}; }
inline Floats fma(Floats a, Floats b, Floats c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline Floats max(Floats a, Floats b) { return {vmaxq_f32(a.v, b.v)}; }
inline Floats min(Floats a, Floats b) { return {vminq_f32(a.v, b.v)}; }
inline Floats whereLess(Floats a, Floats b, Floats yes, Floats no) {
  return {vbslq_f32(vcltq_f32(a.v, b.v), yes.v, no.v)};
}
inline Ints whereNan(Floats x, Ints yes, Ints no) { return {vbslq_u32(vceqq_f32(x.v, x.v), no.v, yes.v)}; }
inline Floats keep(Floats v, Whole, Floats) { return v; }
inline Floats keep(Floats v, Part part, Floats other) { return {vbslq_f32(mask(part), v.v, other.v)}; }
inline float firstLane(Floats v) { return vgetq_lane_f32(v.v, 0); }
inline float sum(Floats v) { return vaddvq_f32(v.v); }
inline float largest(Floats v) { return vmaxvq_f32(v.v); }

// Integers.
inline Ints bits(Floats v) { return {vreinterpretq_u32_f32(v.v)}; }
inline Floats floats(Ints v) { return {vreinterpretq_f32_u32(v.v)}; }
inline Ints operator+(Ints a, Ints b) { return {vaddq_u32(a.v, b.v)}; }
inline Ints operator-(Ints a, Ints b) { return {vsubq_u32(a.v, b.v)}; }
inline Ints operator&(Ints a, Ints b) { return {vandq_u32(a.v, b.v)}; }
inline Ints operator|(Ints a, Ints b) { return {vorrq_u32(a.v, b.v)}; }
template <int Count>
inline Ints shiftLeft(Ints v) {
  return {vshlq_n_u32(v.v, Count)};
}
template <int Count>
inline Ints shiftRight(Ints v) {
  return {vshrq_n_u32(v.v, Count)};
}
template <int Count>
inline Ints shiftRightSigned(Ints v) {
  return {vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(v.v), Count))};
}
inline Ints maxSigned(Ints a, Ints b) {
  return {vreinterpretq_u32_s32(vmaxq_s32(vreinterpretq_s32_u32(a.v), vreinterpretq_s32_u32(b.v)))};
}
inline uint32_t largestSigned(Ints v) { return static_cast<uint32_t>(vmaxvq_s32(vreinterpretq_s32_u32(v.v))); }
inline Ints oddBytesSigned(Ints v) {
  return {vreinterpretq_u32_s16(vshrq_n_s16(vreinterpretq_s16_u32(v.v), 8))};
}
inline Ints evenBytesSigned(Ints v) {
  return oddBytesSigned({vreinterpretq_u32_u16(vshlq_n_u16(vreinterpretq_u16_u32(v.v), 8))});
}
inline Ints multiplyHalves(Ints a, Ints b) {
  const int16x8_t x = vreinterpretq_s16_u32(a.v), y = vreinterpretq_s16_u32(b.v);
  const int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
  return {vreinterpretq_u32_s32(vpaddq_s32(low, vmull_high_s16(x, y)))};
}

template <class Vector>
inline void opaque(Vector& v) {
  asm volatile("" : "+w"(v.v));
}

}  // namespace

#include "power.inl"
