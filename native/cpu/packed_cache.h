// Packed weights as a file: written once, checked and mapped at later starts.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "memory.h"
#include "packed_layout.h"
#include "threads.h"

/** Packed panels, at `offset` in their mapping. */
struct PackedMemory {
  Mapping mapping;
  int64_t offset = 0;

  bool isEmpty() const { return mapping.data() == nullptr; }
  unsigned char* data() const { return mapping.data() + offset; }
};

/** The panels of a cache file. Empty when there is no such file, it was made for another layout, or it is damaged. */
PackedMemory openPackedCache(const std::string& path, const PackedLayout& layout, ThreadPool& pool);

/** Why a cache file could not be written; the weights themselves are fine. */
class CacheUnwritable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/**
 * Writes a cache file beside its place and moves it there when it is whole. Methods throw CacheUnwritable; a file that
 * is not finished is removed.
 */
class PackedCacheWriter {
 public:
  PackedCacheWriter(const std::string& path, const PackedLayout& layout);
  ~PackedCacheWriter();

  /** Any panel once, from any thread. */
  void write(int64_t number, const unsigned char* bytes);
  PackedMemory finish();

 private:
  void writeAt(int64_t offset, const void* bytes, int64_t count);

  const std::string path_;
  const std::string temporaryPath_;
  const PackedLayout& layout_;
  Descriptor fd_;
  bool isOurs_ = false;
  std::vector<uint64_t> checksums_;  // by panel
};
