#include "attention.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "attention_layout.h"
#include "query_tiles.h"

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

  static int64_t bytes(const PanelSizes& sizes) {
    const int64_t floats = kTileQueries * sizes.paddedDim + 2 * kTileQueries + kTileRows * (kKeyBlock + kKeys);
    return roundUp(floats * sizeof(float) + kTileRows * kKeys * sizeof(T), kAlign);
  }

  Workspace(const PanelSizes& sizes, char* at) {
    outputs = reinterpret_cast<float*>(at);
    maxima = outputs + kTileQueries * sizes.paddedDim;
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
      : kernels_(kernels), args_(args), pool_(pool), sizes_(args.headDim) {
    T* next = reinterpret_cast<T*>(scratch);
    for (int span = 0; span < args.spans.count; span++) {
      const PanelRoom room = roomOf(args, span);
      panels_.push_back({room.data == nullptr ? next : static_cast<T*>(room.data), numKeyBlocks(room.rows)});
      if (room.data == nullptr) next += spanSize(args, room.rows);
    }
    workspaces_ = reinterpret_cast<char*>(next);
  }

  static int64_t scratchBytes(const AttentionArgs& args, int threads) {
    int64_t elements = 0;
    for (int span = 0; span < args.spans.count; span++) {
      const PanelRoom room = roomOf(args, span);
      if (room.data == nullptr) elements += spanSize(args, room.rows);
    }
    return elements * sizeof(T) + threads * Workspace<T>::bytes(PanelSizes(args.headDim));
  }

  void run() {
    pack();
    // The longest tiles come last in a causal span; starting with them evens out the end.
    const std::vector<QueryTile>& tiles = *args_.tiles;
    const int64_t count = static_cast<int64_t>(tiles.size());
    pool_.parallelFor(count * args_.heads, [&](int64_t index, int thread) {
      const int head = static_cast<int>(index % args_.heads);
      Workspace<T> workspace(sizes_, workspaces_ + thread * Workspace<T>::bytes(sizes_));
      unit(tiles[count - 1 - index / args_.heads], head, workspace);
    });
  }

 private:
  struct SpanBlock {
    int span;
    int64_t block;
  };

  static PanelRoom roomOf(const AttentionArgs& args, int span) {
    const PanelRoom own{nullptr, args.spans.rows[span]};
    return args.rooms == nullptr || args.rooms[span].data == nullptr ? own : args.rooms[span];
  }

  /** A multiple of kAlign bytes, because headDim is even and a block has 48 keys. */
  static int64_t spanSize(const AttentionArgs& args, int64_t rows) {
    return args.kvHeads * PanelSizes(args.headDim).head(numKeyBlocks(rows));
  }

  /** The keys and values of every span of this batch, in blocks of kKeyBlock rows; what a block lacks is zero. */
  void pack() {
    std::vector<SpanBlock> blocks;
    for (int span = 0; span < args_.spans.count; span++) {
      if (args_.spans.isKept(span)) continue;
      for (int64_t block = 0; block < panels_[span].blocks; block++) blocks.push_back({span, block});
    }
    pool_.parallelFor(static_cast<int64_t>(blocks.size()) * args_.kvHeads, [&](int64_t index, int) {
      packBlock(blocks[index / args_.kvHeads], static_cast<int>(index % args_.kvHeads));
    });
  }

  void packBlock(const SpanBlock& at, int kvHead) {
    const int64_t skipped = at.block * kKeyBlock;
    const int64_t first = args_.spans.starts[at.span] + skipped;
    const int64_t count = std::min<int64_t>(kKeyBlock, args_.spans.rows[at.span] - skipped);
    const int64_t stride = int64_t{args_.kvHeads} * args_.headDim;
    T* keyPanel = panels_[at.span].keys(sizes_, kvHead, at.block);
    std::memset(keyPanel, 0, sizes_.keyPanel * sizeof(T));
    for (int group = 0; group < sizes_.valueGroups; group++) {
      std::memset(panels_[at.span].values(sizes_, kvHead, group, at.block), 0, sizes_.valuePanel * sizeof(T));
    }
    for (int64_t key = 0; key < count; key++) {
      const int64_t from = (first + key) * stride + int64_t{kvHead} * args_.headDim;
      const T* k = static_cast<const T*>(args_.k) + from;
      const T* v = static_cast<const T*>(args_.v) + from;
      for (int i = 0; i < args_.headDim; i++) keyPanel[Types<T>::at(i, key, kKeyBlock)] = k[i];
      for (int i = 0; i < args_.headDim; i++) {
        T* const panel = panels_[at.span].values(sizes_, kvHead, i / kValueBlock, at.block);
        panel[Types<T>::at(key, i % kValueBlock, kValueBlock)] = v[i];
      }
    }
  }

  /** One head of up to kTileQueries queries, over all the keys they see. */
  void unit(const QueryTile& tile, int head, Workspace<T>& work) {
    std::fill_n(work.outputs, tile.count * sizes_.paddedDim, 0.0f);
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
    const int64_t block = first / kKeyBlock;
    const int64_t ldq = int64_t{args_.heads} * args_.headDim;
    const T* q = static_cast<const T*>(args_.q) + tile.first * ldq + int64_t{head} * args_.headDim;
    for (int b = 0; b < blocks; b++) {
      Types<T>::scores(kernels_, tile.count, args_.headDim, q, ldq, panels_[span].keys(sizes_, kvHead, block + b),
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
      if (factor != 1.0f) kernels_.scaleRow(sizes_.paddedDim, factor, work.outputs + row * sizes_.paddedDim);
      Types<T>::store(kernels_, blocks * kKeyBlock, scores, work.probabilities + i * kKeys);
    }
    for (int group = 0; group < sizes_.valueGroups; group++) {
      Types<T>::values(kernels_, tile.count, blocks * kKeyBlock, work.probabilities,
                       panels_[span].values(sizes_, kvHead, group, block),
                       work.outputs + start * sizes_.paddedDim + group * kValueBlock, sizes_.paddedDim);
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
      float* output = work.outputs + i * sizes_.paddedDim;
      kernels_.scaleRow(args_.headDim, 1.0f / work.sums[i], output);
      T* out = static_cast<T*>(args_.out) + (tile.first + i) * ldo + int64_t{head} * args_.headDim;
      Types<T>::store(kernels_, args_.headDim, output, out);
    }
  }

  const Kernels& kernels_;
  const AttentionArgs& args_;
  ThreadPool& pool_;
  const PanelSizes sizes_;
  std::vector<SpanPanels<T>> panels_;  // by span
  char* workspaces_;
};

}  // namespace

int64_t panelBytes(int kvHeads, int headDim, bool isBf16, int64_t rows) {
  const int64_t elements = kvHeads * PanelSizes(headDim).head(numKeyBlocks(rows));
  return elements * static_cast<int64_t>(isBf16 ? sizeof(bf16) : sizeof(float));
}

int64_t attentionScratchBytes(const AttentionArgs& args, int threads) {
  return args.isBf16 ? Attention<bf16>::scratchBytes(args, threads) : Attention<float>::scratchBytes(args, threads);
}

void attention(const Kernels& kernels, const AttentionArgs& args, ThreadPool& pool, void* scratch) {
  if (args.isBf16) {
    Attention<bf16>(kernels, args, pool, static_cast<char*>(scratch)).run();
  } else {
    Attention<float>(kernels, args, pool, static_cast<char*>(scratch)).run();
  }
}
