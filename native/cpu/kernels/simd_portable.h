// Vectors of plain C++: the meaning of every vector operation, and what a machine without a set of its own runs.
#pragma once

#include "simd.h"

namespace {

constexpr int kLanes = 4;
// A block of a matrix tile that an instruction set with 16 registers can hold.
constexpr int kBlockRows = 4;
constexpr int kBlockVectors = 3;
constexpr int kExpandedVectors = 2;
constexpr int kBlockVectors32 = 2;

struct Floats {
  float lane[kLanes];
};
struct Ints {
  uint32_t lane[kLanes];
};

/** A vector whose lane i is f(i). */
template <class Vector, class F>
inline Vector lanes(F f) {
  Vector v;
  for (int i = 0; i < kLanes; ++i) v.lane[i] = f(i);
  return v;
}

inline int count(Whole) { return kLanes; }
inline int count(Part part) { return part.count; }

inline int32_t asSigned(uint32_t bits) { return sameBits<int32_t>(bits); }

inline Floats splat(float x) {
  return lanes<Floats>([=](int) { return x; });
}
inline Ints splatInt(uint32_t x) {
  return lanes<Ints>([=](int) { return x; });
}

// Memory.
template <class Where>
inline Floats load(const float* p, Where where) {
  Floats v = splat(0);
  for (int i = 0; i < count(where); ++i) v.lane[i] = p[i];
  return v;
}
inline Ints load(const int32_t* p, Whole) {
  return lanes<Ints>([=](int i) { return static_cast<uint32_t>(p[i]); });
}
template <class Where>
inline Ints loadHalves(const uint16_t* p, Where where) {
  Ints v = splatInt(0);
  for (int i = 0; i < count(where); ++i) v.lane[i] = p[i];
  return v;
}
/** 4 · kLanes bytes of anything. */
inline Ints loadBits(const void* p) {
  Ints v;
  std::memcpy(v.lane, p, sizeof v.lane);
  return v;
}
/** 4 bytes of anything in every lane. */
inline Ints splatBits(const void* p) { return splatInt(fourBytes(p)); }
template <class Where>
inline void store(float* p, Floats v, Where where) {
  for (int i = 0; i < count(where); ++i) p[i] = v.lane[i];
}
inline void store(int32_t* p, Ints v, Whole) {
  for (int i = 0; i < kLanes; ++i) p[i] = asSigned(v.lane[i]);
}
/** The lower 16 bits of each lane, which are below 2^16. */
template <class Where>
inline void storeHalves(uint16_t* p, Ints v, Where where) {
  for (int i = 0; i < count(where); ++i) p[i] = static_cast<uint16_t>(v.lane[i]);
}
/** The lower 8 bits of each lane, which are below 2^8. */
template <class Where>
inline void storeBytes(uint8_t* p, Ints v, Where where) {
  for (int i = 0; i < count(where); ++i) p[i] = static_cast<uint8_t>(v.lane[i]);
}

// Arithmetic.
inline Floats operator+(Floats a, Floats b) {
  return lanes<Floats>([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline Floats operator-(Floats a, Floats b) {
  return lanes<Floats>([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline Floats operator*(Floats a, Floats b) {
  return lanes<Floats>([&](int i) { return a.lane[i] * b.lane[i]; });
}
inline Floats operator/(Floats a, Floats b) {
  return lanes<Floats>([&](int i) { return a.lane[i] / b.lane[i]; });
}
/** a · b + c; here with two roundings. */
inline Floats fma(Floats a, Floats b, Floats c) {
  return lanes<Floats>([&](int i) { return a.lane[i] * b.lane[i] + c.lane[i]; });
}
inline Floats max(Floats a, Floats b) {
  return lanes<Floats>([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Floats min(Floats a, Floats b) {
  return lanes<Floats>([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
/** yes where a < b, else no. */
inline Floats whereLess(Floats a, Floats b, Floats yes, Floats no) {
  return lanes<Floats>([&](int i) { return a.lane[i] < b.lane[i] ? yes.lane[i] : no.lane[i]; });
}
inline Ints whereNan(Floats x, Ints yes, Ints no) {
  return lanes<Ints>([&](int i) { return x.lane[i] != x.lane[i] ? yes.lane[i] : no.lane[i]; });
}
/** v, with the lanes past a Part taken from `other`. */
template <class Where>
inline Floats keep(Floats v, Where where, Floats other) {
  for (int i = 0; i < count(where); ++i) other.lane[i] = v.lane[i];
  return other;
}
inline float firstLane(Floats v) { return v.lane[0]; }
inline float sum(Floats v) { return (v.lane[0] + v.lane[2]) + (v.lane[1] + v.lane[3]); }
inline float largest(Floats v) {
  float most = v.lane[0];
  for (int i = 1; i < kLanes; ++i) most = v.lane[i] > most ? v.lane[i] : most;
  return most;
}

// Integers.
inline Ints bits(Floats v) { return sameBits<Ints>(v); }
inline Floats floats(Ints v) { return sameBits<Floats>(v); }
inline Ints operator+(Ints a, Ints b) {
  return lanes<Ints>([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline Ints operator-(Ints a, Ints b) {
  return lanes<Ints>([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline Ints operator&(Ints a, Ints b) {
  return lanes<Ints>([&](int i) { return a.lane[i] & b.lane[i]; });
}
inline Ints operator|(Ints a, Ints b) {
  return lanes<Ints>([&](int i) { return a.lane[i] | b.lane[i]; });
}
template <int Count>
inline Ints shiftLeft(Ints v) {
  return lanes<Ints>([&](int i) { return v.lane[i] << Count; });
}
template <int Count>
inline Ints shiftRight(Ints v) {
  return lanes<Ints>([&](int i) { return v.lane[i] >> Count; });
}
template <int Count>
inline Ints shiftRightSigned(Ints v) {
  return lanes<Ints>([&](int i) { return static_cast<uint32_t>(asSigned(v.lane[i]) >> Count); });
}
inline Ints maxSigned(Ints a, Ints b) {
  return lanes<Ints>([&](int i) { return asSigned(a.lane[i]) > asSigned(b.lane[i]) ? a.lane[i] : b.lane[i]; });
}
inline uint32_t largestSigned(Ints v) {
  uint32_t most = v.lane[0];
  for (int i = 1; i < kLanes; ++i) most = asSigned(v.lane[i]) > asSigned(most) ? v.lane[i] : most;
  return most;
}
/** Bytes 0 and 2 of each lane, or bytes 1 and 3, as two signed 16-bit halves. */
inline Ints evenBytesSigned(Ints v) {
  return lanes<Ints>([&](int i) {
    const auto low = static_cast<int8_t>(v.lane[i]), high = static_cast<int8_t>(v.lane[i] >> 16);
    return static_cast<uint32_t>(static_cast<uint16_t>(low)) | static_cast<uint32_t>(static_cast<uint16_t>(high)) << 16;
  });
}
inline Ints oddBytesSigned(Ints v) { return evenBytesSigned(shiftRight<8>(v)); }
/** The products of both signed 16-bit halves, added. */
inline Ints multiplyHalves(Ints a, Ints b) {
  return lanes<Ints>([&](int i) {
    const auto half = [](uint32_t pair, int shift) { return static_cast<int16_t>(pair >> shift); };
    return static_cast<uint32_t>(half(a.lane[i], 0) * half(b.lane[i], 0) + half(a.lane[i], 16) * half(b.lane[i], 16));
  });
}

/** Hides from the compiler that the value is known, so that work on it stays in a loop. */
template <class Vector>
inline void opaque(Vector& v) {
  asm volatile("" : "+m"(v));
}

}  // namespace
