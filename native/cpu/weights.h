// The weights of a plan in memory: packed matrices, float32 vectors, and tables left in their files.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "memory.h"
#include "pack.h"
#include "packed_cache.h"
#include "plan.h"
#include "threads.h"

/** A matrix as the kernels read it. */
struct PackedWeight {
  Format format = Format::f32;
  int64_t rows = 0;
  int64_t columns = 0;
  const unsigned char* panels = nullptr;

  const unsigned char* panel(int64_t number) const { return panels + number * panelBytes(format, columns); }
  const Int8Columns& int8Columns(int64_t number) const {
    return *reinterpret_cast<const Int8Columns*>(panel(number) + paddedWidth(format, columns) * kPanel);
  }
};

/** A matrix read row by row. */
struct Table {
  SourceMatrix source{};
  /** Where it lies in a file; no file when the caller holds the numbers. */
  const Mapping* file = nullptr;
  int64_t offset = 0;

  void readRow(int64_t row, float* out) const;
  /** Lets go of the pages that reading rows made resident. */
  void dropPages() const;
};

class Weights {
 public:
  struct Options {
    /** No cache when empty. */
    std::string cacheFile;
    /** Ends the packing with Failure (CANCELLED) when it becomes true. */
    const std::atomic<bool>& isCancelled;
  };

  /** Of a checked plan. Throws Failure (WEIGHTS_UNREADABLE), std::bad_alloc. */
  Weights(const Plan& plan, const Options& options, ThreadPool& pool);

  const PackedWeight& matrix(int index) const { return matrices_[index]; }
  /** Zeros follow, up to a multiple of 48. */
  const float* vector(int index) const { return vectors_[index].data(); }
  const Table& table(int index) const { return tables_[index]; }

  int64_t packedBytes() const { return packed_.mapping.size() - packed_.offset; }
  /** Why the cache could not be written; empty when it was, or was not asked for. */
  const std::string& warning() const { return warning_; }

 private:
  void pack(const Plan& plan, const Options& options, ThreadPool& pool);
  /** Files stay mapped only for their tables. */
  void unmapUnused();
  /** The numbers of a weight; maps its file when it is the first of it. */
  SourceMatrix source(const PlanWeight& weight);

  std::map<std::string, Mapping> files_;
  PackedMemory packed_;
  std::vector<PackedWeight> matrices_;  // these three by index of the weight
  std::vector<std::vector<float>> vectors_;
  std::vector<Table> tables_;
  std::string warning_;
};
