// What the vector headers simd_*.h have in common. Each defines these names for its instruction set:
//   Floats, Ints          kLanes float32, kLanes 32-bit integers (modulo 2^32, or signed where a name says so)
//   Whole, Part           where a load or store ends: all lanes, or the first `count`. Lanes past a Part are loaded
//                         as 0, and memory past it is not touched
//   max(a, b), min(a, b)  NaN where b is NaN
// simd_portable.h says in plain C++ what each function does.
#pragma once

#include <math.h>

#include <cstdint>
#include <cstring>

namespace {

struct Whole {};
struct Part {
  int count;  // from 1 to kLanes - 1
};

template <class To, class From>
inline To sameBits(From from) {
  static_assert(sizeof(To) == sizeof(From), "a reinterpretation keeps the size");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

inline uint32_t fourBytes(const void* p) {
  uint32_t x;
  std::memcpy(&x, p, sizeof x);
  return x;
}

}  // namespace
