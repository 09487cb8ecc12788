#include "attention.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

#include "attention_layout.h"

namespace {

constexpr int kBlocks = 4;                       // key panels that share one softmax
constexpr int kKeys = kBlocks * kKeyBlock;       // keys of one softmax
constexpr size_t kAlign = 64;

/** Element type of a run and the kernels that go with it. */
template <class T>
struct Types;

template <>
struct Types<float> {
  static void scores(const Kernels& kernels, int rows, int dim, const float* q, int64_t ldq, const float* panel,
                     float* out) {
    kernels.tileF32(rows, dim, q, ldq, panel, out);
  }
  static void values(const Kernels& kernels, int rows, int keys, const float* p, const float* panel, float* out,
                     int64_t ldo) {
    kernels.tile32F32(rows, keys, p, kKeys, panel, out, ldo, true);
  }
  static void store(const Kernels&, int64_t n, const float* x, float* out) { std::memcpy(out, x, n * sizeof(float)); }
  /** Element (key or channel pair member) of a panel [count][width]. */
  static int64_t at(int64_t index, int64_t column, int64_t width) { return index * width + column; }
};

template <>
struct Types<bf16> {
  static void scores(const Kernels& kernels, int rows, int dim, const bf16* q, int64_t ldq, const bf16* panel,
                     float* out) {
    kernels.tileBf16(rows, dim, q, ldq, panel, out);
  }
  static void values(const Kernels& kernels, int rows, int keys, const bf16* p, const bf16* panel, float* out,
                     int64_t ldo) {
    kernels.tile32Bf16(rows, keys, p, kKeys, panel, out, ldo, true);
  }
  static void store(const Kernels& kernels, int64_t n, const float* x, bf16* out) { kernels.toBf16(n, x, out); }
  /** Panels of bf16 hold pairs: [count / 2][width][2]. */
  static int64_t at(int64_t index, int64_t column, int64_t width) {
    return ((index / 2) * width + column) * 2 + index % 2;
  }
};

/** What one thread works in: outputs and softmax state of a unit, scores and probabilities of a tile. */
template <class T>
struct Workspace {
  float* outputs;   // [kTileQueries][paddedDim]
  float* maxima;    // [kTileQueries]
  float* sums;      // [kTileQueries]
  float* panel;     // [kTileRows][kKeyBlock]
  float* scores;    // [kTileRows][kKeys]
  T* probabilities; // [kTileRows][kKeys]

  static size_t bytes(const AttentionLayout& layout) {
    const int64_t floats = kTileQueries * layout.paddedDim + 2 * kTileQueries + kTileRows * (kKeyBlock + kKeys);
    return roundUp(floats * sizeof(float) + kTileRows * kKeys * sizeof(T), kAlign);
  }

  Workspace(const AttentionLayout& layout, char* at) {
    outputs = reinterpret_cast<float*>(at);
    maxima = outputs + kTileQueries * layout.paddedDim;
    sums = maxima + kTileQueries;
    panel = sums + kTileQueries;
    scores = panel + kTileRows * kKeyBlock;
    probabilities = reinterpret_cast<T*>(scores + kTileRows * kKeys);
  }
};

template <class T>
class Attention {
 public:
  Attention(const Kernels& kernels, const AttentionArgs& args, ThreadPool& pool, char* scratch)
      : kernels_(kernels), args_(args), pool_(pool), layout_(args) {
    const int64_t panels = args.kvHeads * layout_.blocks;
    keys_ = reinterpret_cast<T*>(scratch);
    scratch += roundUp(panels * layout_.keyPanel * sizeof(T), kAlign);
    values_ = reinterpret_cast<T*>(scratch);
    scratch += roundUp(panels * layout_.valueGroups * layout_.valuePanel * sizeof(T), kAlign);
    workspaces_ = scratch;
  }

  static size_t scratchBytes(const AttentionArgs& args, int threads) {
    const AttentionLayout layout(args);
    const int64_t panels = args.kvHeads * layout.blocks;
    return roundUp(panels * layout.keyPanel * sizeof(T), kAlign) +
           roundUp(panels * layout.valueGroups * layout.valuePanel * sizeof(T), kAlign) +
           threads * Workspace<T>::bytes(layout);
  }

  void run() {
    const std::vector<QueryTile> units = queryTiles(args_);
    pack();
    // The longest units come last in a causal span; starting with them evens out the end.
    const int64_t count = static_cast<int64_t>(units.size());
    pool_.parallelFor(count * args_.heads, [&](int64_t index, int thread) {
      const int head = static_cast<int>(index % args_.heads);
      Workspace<T> workspace(layout_, workspaces_ + thread * Workspace<T>::bytes(layout_));
      unit(units[count - 1 - index / args_.heads], head, workspace);
    });
  }

 private:
  /** Every span's keys and values, in blocks of kKeyBlock rows; what a block lacks is zero. */
  void pack() {
    std::vector<int> spanOfBlock(layout_.blocks);
    for (int span = 0; span < args_.spans.count; span++) {
      std::fill_n(spanOfBlock.begin() + layout_.firstBlock[span], layout_.numBlocks(span), span);
    }
    pool_.parallelFor(layout_.blocks * args_.kvHeads, [&](int64_t index, int) {
      const int64_t block = index / args_.kvHeads;
      packBlock(spanOfBlock[block], block, static_cast<int>(index % args_.kvHeads));
    });
  }

  void packBlock(int span, int64_t block, int kvHead) {
    const int64_t skipped = (block - layout_.firstBlock[span]) * kKeyBlock;
    const int64_t first = args_.spans.starts[span] + skipped;
    const int64_t count = std::min<int64_t>(kKeyBlock, args_.spans.rows[span] - skipped);
    const int64_t stride = int64_t{args_.kvHeads} * args_.headDim;
    T* keyPanel = keys_ + layout_.keyOffset(kvHead, block);
    std::memset(keyPanel, 0, layout_.keyPanel * sizeof(T));
    for (int group = 0; group < layout_.valueGroups; group++) {
      std::memset(values(kvHead, span, group, skipped), 0, layout_.valuePanel * sizeof(T));
    }
    for (int64_t key = 0; key < count; key++) {
      const int64_t from = (first + key) * stride + int64_t{kvHead} * args_.headDim;
      const T* k = static_cast<const T*>(args_.k) + from;
      const T* v = static_cast<const T*>(args_.v) + from;
      for (int i = 0; i < args_.headDim; i++) keyPanel[Types<T>::at(i, key, kKeyBlock)] = k[i];
      for (int i = 0; i < args_.headDim; i++) {
        values(kvHead, span, i / kValueBlock, skipped)[Types<T>::at(key, i % kValueBlock, kValueBlock)] = v[i];
      }
    }
  }

  /** A span's values of a group of channels, from its key `first` on, which starts a block. */
  T* values(int kvHead, int span, int group, int64_t first) {
    return values_ + layout_.valueOffset(kvHead, span, group) + first * kValueBlock;
  }

  /** One head of up to kTileQueries queries, over all the keys they see. */
  void unit(const QueryTile& tile, int head, Workspace<T>& work) {
    std::fill_n(work.outputs, tile.count * layout_.paddedDim, 0.0f);
    std::fill_n(work.maxima, tile.count, -std::numeric_limits<float>::infinity());
    std::fill_n(work.sums, tile.count, 0.0f);
    const Spans& spans = args_.spans;
    for (int32_t at = spans.chainOffsets[tile.span]; at < spans.chainOffsets[tile.span + 1]; at++) {
      overSpan(tile, head, spans.chains[at], work);
    }
    overSpan(tile, head, tile.span, work);
    finish(tile, head, work);
  }

  void overSpan(const QueryTile& tile, int head, int span, Workspace<T>& work) {
    const int64_t rows = args_.spans.rows[span];
    for (int64_t first = 0; first < rows; first += kKeys) {
      const int64_t keys = std::min<int64_t>(kKeys, rows - first);
      for (int start = 0; start < tile.count; start += kTileRows) {
        overKeys({tile.first + start, std::min(kTileRows, tile.count - start), tile.span}, start, head, span, first,
                 keys, work);
      }
    }
  }

  /** Up to 8 queries against up to kKeys keys of one span, `first` counted from the span's start. */
  void overKeys(const QueryTile& tile, int start, int head, int span, int64_t first, int64_t keys, Workspace<T>& work) {
    int limits[kTileRows];
    int longest = 0;
    for (int i = 0; i < tile.count; i++) {
      limits[i] = static_cast<int>(visible(tile.first + i, tile.span, span, first, keys));
      longest = std::max(longest, limits[i]);
    }
    if (longest == 0) return;
    const int blocks = static_cast<int>(roundUp(longest, kKeyBlock) / kKeyBlock);
    const int kvHead = head / (args_.heads / args_.kvHeads);
    const int64_t block = layout_.firstBlock[span] + first / kKeyBlock;
    const int64_t ldq = int64_t{args_.heads} * args_.headDim;
    const T* q = static_cast<const T*>(args_.q) + tile.first * ldq + int64_t{head} * args_.headDim;
    for (int b = 0; b < blocks; b++) {
      Types<T>::scores(kernels_, tile.count, args_.headDim, q, ldq, keys_ + layout_.keyOffset(kvHead, block + b),
                       work.panel);
      for (int i = 0; i < tile.count; i++) {
        std::memcpy(work.scores + i * kKeys + b * kKeyBlock, work.panel + i * kKeyBlock, kKeyBlock * sizeof(float));
      }
    }
    for (int i = 0; i < tile.count; i++) {
      float* scores = work.scores + i * kKeys;
      const int row = start + i;
      const float factor = kernels_.softmaxRow(blocks * kKeyBlock, limits[i], args_.scale, scores, work.maxima + row,
                                               work.sums + row, scores);
      if (factor != 1.0f) kernels_.scaleRow(layout_.paddedDim, factor, work.outputs + row * layout_.paddedDim);
      Types<T>::store(kernels_, blocks * kKeyBlock, scores, work.probabilities + i * kKeys);
    }
    for (int group = 0; group < layout_.valueGroups; group++) {
      Types<T>::values(kernels_, tile.count, blocks * kKeyBlock, work.probabilities,
                       values(kvHead, span, group, first),
                       work.outputs + start * layout_.paddedDim + group * kValueBlock, layout_.paddedDim);
    }
  }

  /** How many of `keys` keys from `first` on a query sees: all of another span's, up to itself of its own. */
  int64_t visible(int64_t query, int ownSpan, int span, int64_t first, int64_t keys) const {
    if (!args_.causal || span != ownSpan) return keys;
    const int64_t own = packedRow(args_, query) - args_.spans.starts[span] + 1;
    return std::clamp<int64_t>(own - first, 0, keys);
  }

  void finish(const QueryTile& tile, int head, Workspace<T>& work) {
    const int64_t ldo = int64_t{args_.heads} * args_.headDim;
    for (int i = 0; i < tile.count; i++) {
      float* output = work.outputs + i * layout_.paddedDim;
      kernels_.scaleRow(args_.headDim, 1.0f / work.sums[i], output);
      T* out = static_cast<T*>(args_.out) + (tile.first + i) * ldo + int64_t{head} * args_.headDim;
      Types<T>::store(kernels_, args_.headDim, output, out);
    }
  }

  const Kernels& kernels_;
  const AttentionArgs& args_;
  ThreadPool& pool_;
  const AttentionLayout layout_;
  T* keys_;
  T* values_;
  char* workspaces_;
};

}  // namespace

size_t attentionScratchBytes(const AttentionArgs& args, int threads) {
  return args.isBf16 ? Attention<bf16>::scratchBytes(args, threads) : Attention<float>::scratchBytes(args, threads);
}

void attention(const Kernels& kernels, const AttentionArgs& args, ThreadPool& pool, void* scratch) {
  if (args.headDim % 2 != 0) throw std::invalid_argument("headDim is odd");
  if (args.isBf16) {
    Attention<bf16>(kernels, args, pool, static_cast<char*>(scratch)).run();
  } else {
    Attention<float>(kernels, args, pool, static_cast<char*>(scratch)).run();
  }
}
