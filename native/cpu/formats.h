// Storage formats of values and weights, and numbers of one format as another.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels.h"

/** Of values and packed weights. i8 has a float scale per row (values) or column (weights) beside the bytes. */
enum class Format : uint8_t { f32, bf16, i8 };

/** Of tensors as a checkpoint stores them. */
enum class SourceType : uint8_t { f32, f16, bf16 };

constexpr int64_t elementBytes(Format format) { return format == Format::f32 ? 4 : format == Format::bf16 ? 2 : 1; }
constexpr int64_t elementBytes(SourceType type) { return type == SourceType::f32 ? 4 : 2; }

constexpr int64_t roundUp(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/** Length of a row as the matrix kernels want it: a multiple of 2 (bf16) or 4 (int8), the rest zeros. */
constexpr int64_t paddedWidth(Format format, int64_t width) {
  return roundUp(width, format == Format::f32 ? 1 : format == Format::bf16 ? 2 : 4);
}

inline float bf16ToFloat(bf16 value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

/** Rounds to nearest, ties to even. NaN stays NaN. */
inline bf16 floatToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40;
  return static_cast<bf16>((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

/** IEEE half precision. Subnormals are exact: their bits are shifted up and the product scales them down again. */
inline float halfToFloat(uint16_t value) {
  const uint32_t sign = static_cast<uint32_t>(value & 0x8000) << 16;
  uint32_t bits = static_cast<uint32_t>(value & 0x7fff) << 13;
  if ((value & 0x7c00) == 0x7c00) {
    bits |= 0x7f800000 | sign;
    float special;
    std::memcpy(&special, &bits, sizeof special);
    return special;
  }
  bits |= sign;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out * 0x1p112f;  // the two exponent biases differ by 127 - 15
}

/** `count` numbers of a tensor, from bytes of any alignment. */
inline void readNumbers(SourceType type, const unsigned char* from, int64_t count, float* out) {
  if (type == SourceType::f32) {
    std::memcpy(out, from, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < count; i++) {
    uint16_t bits;
    std::memcpy(&bits, from + 2 * i, sizeof bits);
    out[i] = type == SourceType::bf16 ? bf16ToFloat(bits) : halfToFloat(bits);
  }
}
