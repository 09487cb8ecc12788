// Vectors of one lane in plain C++: what every vector operation means, and what runs on a machine without a set of its
// own. The compiler may put several lanes into its target's vectors again.
#pragma once

#include "simd.h"

namespace {

constexpr int kLanes = 1;
constexpr int kBlockRows = 4;
constexpr int kBlockVectors = 12;
constexpr int kExpandedVectors = 8;
constexpr int kBlockVectors32 = 8;

struct Floats {
  float v;
};
struct Ints {
  uint32_t v;
};

inline int32_t asSigned(uint32_t bits) { return sameBits<int32_t>(bits); }

inline Floats splat(float x) { return {x}; }
inline Ints splatInt(uint32_t x) { return {x}; }

// Memory. A single lane is never a Part.
template <class Where>
inline Floats load(const float* p, Where) {
  return {*p};
}
inline Ints load(const int32_t* p, Whole) { return {static_cast<uint32_t>(*p)}; }
template <class Where>
inline Ints loadHalves(const uint16_t* p, Where) {
  return {*p};
}
/** 4 · kLanes bytes of anything. */
inline Ints loadBits(const void* p) { return {fourBytes(p)}; }
/** 4 bytes of anything in every lane. */
inline Ints splatBits(const void* p) { return {fourBytes(p)}; }
template <class Where>
inline void store(float* p, Floats v, Where) {
  *p = v.v;
}
inline void store(int32_t* p, Ints v, Whole) { *p = asSigned(v.v); }
/** Lanes below 2^16. */
template <class Where>
inline void storeHalves(uint16_t* p, Ints v, Where) {
  *p = static_cast<uint16_t>(v.v);
}
/** Lanes below 2^8. */
template <class Where>
inline void storeBytes(uint8_t* p, Ints v, Where) {
  *p = static_cast<uint8_t>(v.v);
}

// Arithmetic.
inline Floats operator+(Floats a, Floats b) { return {a.v + b.v}; }
inline Floats operator-(Floats a, Floats b) { return {a.v - b.v}; }
inline Floats operator*(Floats a, Floats b) { return {a.v * b.v}; }
inline Floats operator/(Floats a, Floats b) { return {a.v / b.v}; }
/** a · b + c; the other sets round once, this one twice. */
inline Floats fma(Floats a, Floats b, Floats c) { return {a.v * b.v + c.v}; }
inline Floats max(Floats a, Floats b) { return {a.v > b.v ? a.v : b.v}; }
inline Floats min(Floats a, Floats b) { return {a.v < b.v ? a.v : b.v}; }
/** yes where a < b, else no. */
inline Floats whereLess(Floats a, Floats b, Floats yes, Floats no) { return a.v < b.v ? yes : no; }
inline Ints whereNan(Floats x, Ints yes, Ints no) { return x.v != x.v ? yes : no; }
/** v, with the lanes past a Part taken from `other`. */
template <class Where>
inline Floats keep(Floats v, Where, Floats) {
  return v;
}
inline float firstLane(Floats v) { return v.v; }
/** The sum of all lanes. */
inline float sum(Floats v) { return v.v; }
/** The largest lane. */
inline float largest(Floats v) { return v.v; }

// Integers.
inline Ints bits(Floats v) { return sameBits<Ints>(v); }
inline Floats floats(Ints v) { return sameBits<Floats>(v); }
inline Ints operator+(Ints a, Ints b) { return {a.v + b.v}; }
inline Ints operator-(Ints a, Ints b) { return {a.v - b.v}; }
inline Ints operator&(Ints a, Ints b) { return {a.v & b.v}; }
inline Ints operator|(Ints a, Ints b) { return {a.v | b.v}; }
template <int Count>
inline Ints shiftLeft(Ints v) {
  return {v.v << Count};
}
template <int Count>
inline Ints shiftRight(Ints v) {
  return {v.v >> Count};
}
template <int Count>
inline Ints shiftRightSigned(Ints v) {
  return {static_cast<uint32_t>(asSigned(v.v) >> Count)};
}
inline Ints maxSigned(Ints a, Ints b) { return asSigned(a.v) > asSigned(b.v) ? a : b; }
inline uint32_t largestSigned(Ints v) { return v.v; }
/** Bytes 0 and 2 of each lane as two signed 16-bit halves. */
inline Ints evenBytesSigned(Ints v) {
  const auto half = [](uint32_t byte) { return static_cast<uint16_t>(static_cast<int8_t>(byte)); };
  return {half(v.v) | static_cast<uint32_t>(half(v.v >> 16)) << 16};
}
/** Bytes 1 and 3. */
inline Ints oddBytesSigned(Ints v) { return evenBytesSigned(shiftRight<8>(v)); }
/** The products of both signed 16-bit halves, added. */
inline Ints multiplyHalves(Ints a, Ints b) {
  const auto half = [](uint32_t pair) { return static_cast<int16_t>(pair); };
  return {static_cast<uint32_t>(half(a.v) * half(b.v) + half(a.v >> 16) * half(b.v >> 16))};
}

/** Hides from the compiler that the value is known, so that work on it stays in a loop. */
template <class Vector>
inline void opaque(Vector& v) {
  asm volatile("" : "+m"(v.v));
}

}  // namespace

#include "power.inl"
