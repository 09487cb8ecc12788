// A 64-bit checksum of bytes at about the speed of memory; it finds damage, not malice.
#pragma once

#include <cstdint>
#include <cstring>

inline uint64_t mixBits(uint64_t x) {
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
  return x ^ (x >> 32);
}

inline uint64_t checksum(const void* data, int64_t bytes) {
  constexpr int kLanes = 4;  // independent, so that their multiplications overlap
  const auto* at = static_cast<const unsigned char*>(data);
  uint64_t lanes[kLanes] = {1, 2, 3, 4};
  uint64_t words[kLanes];
  const unsigned char* const end = at + bytes;
  for (; end - at >= static_cast<int64_t>(sizeof words); at += sizeof words) {
    std::memcpy(words, at, sizeof words);
    for (int i = 0; i < kLanes; i++) {
      const uint64_t mixed = (lanes[i] ^ words[i]) * 0x9e3779b97f4a7c15u;
      lanes[i] = mixed ^ (mixed >> 29);
    }
  }
  uint64_t sum = mixBits(static_cast<uint64_t>(bytes));
  for (; at < end; at++) sum = mixBits(sum ^ *at);
  for (const uint64_t lane : lanes) sum = mixBits(sum ^ lane);
  return sum;
}
