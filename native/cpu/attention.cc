#include "attention.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "attention_layout.h"
#include "bands.h"
#include "panels.h"
#include "query_tiles.h"

namespace {

constexpr int kKeys = 8 * kKeyBlock;  // keys that share one softmax
constexpr size_t kAlign = 64;

/** Element type of a run and the kernels that go with it. */
template <class T>
struct Types;

template <>
struct Types<float> {
  static constexpr auto scores = &Kernels::scoresF32;
  static constexpr auto values = &Kernels::valuesF32;
  static constexpr auto softmaxRow = &Kernels::softmaxRowF32;
  static void store(const Kernels&, int64_t n, const float* x, float* out) { std::memcpy(out, x, n * sizeof(float)); }
};

template <>
struct Types<bf16> {
  static constexpr auto scores = &Kernels::scoresBf16;
  static constexpr auto values = &Kernels::valuesBf16;
  static constexpr auto softmaxRow = &Kernels::softmaxRowBf16;
  static void store(const Kernels& kernels, int64_t n, const float* x, bf16* out) { kernels.toBf16(n, x, out); }
};

/** What one thread works in: a tile's queries, outputs and softmax state, scores and probabilities of kKeys keys. */
template <class T>
struct Workspace {
  float* outputs;    // [kTileQueries][paddedDim]
  float* maxima;     // [kTileQueries]
  float* sums;       // [kTileQueries]
  float* scores;     // [kTileQueries][kKeys]
  T* probabilities;  // [kTileQueries][kKeys]
  T* queries;        // [kTileQueries][headDim]

  static int64_t bytes(const AttentionArgs& args) {
    const int64_t floats = PanelSizes(args.headDim).paddedDim + 2 + kKeys;
    return roundUp(kTileQueries * (floats * sizeof(float) + (kKeys + args.headDim) * sizeof(T)), kAlign);
  }

  Workspace(const AttentionArgs& args, char* at) {
    outputs = reinterpret_cast<float*>(at);
    maxima = outputs + kTileQueries * PanelSizes(args.headDim).paddedDim;
    sums = maxima + kTileQueries;
    scores = sums + kTileQueries;
    probabilities = reinterpret_cast<T*>(scores + kTileQueries * kKeys);
    queries = probabilities + kTileQueries * kKeys;
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
    return elements * sizeof(T) + threads * Workspace<T>::bytes(args);
  }

  void run() {
    pack();
    // The longest tiles come last in a causal span; starting with them evens out the end.
    const std::vector<QueryTile>& tiles = *args_.tiles;
    const int64_t count = static_cast<int64_t>(tiles.size());
    pool_.parallelFor(count * args_.heads, [&](int64_t index, int thread) {
      const int head = static_cast<int>(index % args_.heads);
      const Workspace<T> workspace(args_, workspaces_ + thread * Workspace<T>::bytes(args_));
      compute(tiles[count - 1 - index / args_.heads], head, workspace);
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
    const int count = static_cast<int>(std::min<int64_t>(kKeyBlock, args_.spans.rows[at.span] - skipped));
    const int64_t stride = int64_t{args_.kvHeads} * args_.headDim;
    const int64_t from = first * stride + int64_t{kvHead} * args_.headDim;
    packKeys(static_cast<const T*>(args_.k) + from, stride, count, args_.headDim,
             panels_[at.span].keys(sizes_, kvHead, at.block));
    for (int group = 0; group < sizes_.valueGroups; group++) {
      const int channel = group * kValueBlock;
      packValues(static_cast<const T*>(args_.v) + from + channel, stride, count,
                 std::min(kValueBlock, args_.headDim - channel),
                 panels_[at.span].values(sizes_, kvHead, group, at.block));
    }
  }

  /** One head of a tile of queries, over all the keys they see. */
  void compute(const QueryTile& tile, int head, const Workspace<T>& work) {
    begin(tile, head, work);
    const int kvHead = head / (args_.heads / args_.kvHeads);
    const Spans& spans = args_.spans;
    for (int32_t at = spans.chainOffsets[tile.span]; at < spans.chainOffsets[tile.span + 1]; at++) {
      overSpan(tile, kvHead, spans.chains[at], work);
    }
    overSpan(tile, kvHead, tile.span, work);
    finish(tile, head, work);
  }

  /** Copies the queries side by side: where they lie, rows may share a few places of the first-level cache. */
  void begin(const QueryTile& tile, int head, const Workspace<T>& work) {
    const int64_t ldq = int64_t{args_.heads} * args_.headDim;
    const T* const q = static_cast<const T*>(args_.q) + tile.first * ldq + int64_t{head} * args_.headDim;
    for (int i = 0; i < tile.count; i++) std::copy_n(q + i * ldq, args_.headDim, work.queries + i * args_.headDim);
    std::fill_n(work.outputs, tile.count * sizes_.paddedDim, 0.0f);
    std::fill_n(work.maxima, tile.count, -std::numeric_limits<float>::infinity());
    std::fill_n(work.sums, tile.count, 0.0f);
  }

  void overSpan(const QueryTile& tile, int kvHead, int span, const Workspace<T>& work) const {
    const int64_t rows = args_.spans.rows[span];
    for (int64_t first = 0; first < rows; first += kKeys) {
      const int keys = static_cast<int>(std::min<int64_t>(kKeys, rows - first));
      int visible[kTileQueries];
      for (int i = 0; i < tile.count; i++) visible[i] = visibleKeys(tile, i, span, first, keys);
      const Bands bands(visible, tile.count);
      if (bands.begin() == bands.end()) return;  // these keys come after all the queries, as do those that follow
      const int64_t block = first / kKeyBlock;
      score(bands, panels_[span].keys(sizes_, kvHead, block), work);
      weigh(bands, visible, work);
      for (int group = 0; group < sizes_.valueGroups; group++) {
        addValues(bands, panels_[span].values(sizes_, kvHead, group, block), group, work);
      }
    }
  }

  /** How many of `keys` keys from `first` on a query sees: all of another span's, up to itself of its own. */
  int visibleKeys(const QueryTile& tile, int query, int span, int64_t first, int keys) const {
    if (!args_.causal || span != tile.span) return keys;
    const int64_t own = packedRow(args_, tile.first + query) - args_.spans.starts[span] + 1;
    return static_cast<int>(std::clamp<int64_t>(own - first, 0, keys));
  }

  /** A key panel at a time, which stays in the first-level cache for all queries. */
  void score(const Bands& bands, const T* panels, const Workspace<T>& work) const {
    for (int block = 0; block < kKeys / kKeyBlock; block++) {
      for (const Band& band : bands) {
        const int columns = std::min(kKeyBlock, band.keys - block * kKeyBlock);
        if (columns <= 0) continue;
        const T* const queries = work.queries + int64_t{band.first} * args_.headDim;
        float* const scores = work.scores + band.first * kKeys + block * kKeyBlock;
        (kernels_.*Types<T>::scores)(band.count, args_.headDim, columns, queries, args_.headDim,
                                     panels + block * sizes_.keyPanel, scores, kKeys);
      }
    }
  }

  /** Scores to probabilities, with the outputs so far scaled to them. */
  void weigh(const Bands& bands, const int* visible, const Workspace<T>& work) const {
    for (const Band& band : bands) {
      for (int row = band.first; row < band.first + band.count; row++) {
        const float factor = (kernels_.*Types<T>::softmaxRow)(
            numPadded(band.keys), visible[row], args_.scale, work.scores + row * kKeys, work.maxima + row,
            work.sums + row, work.probabilities + row * kKeys);
        if (factor != 1.0f) kernels_.scaleRow(sizes_.paddedDim, factor, work.outputs + row * sizes_.paddedDim);
      }
    }
  }

  void addValues(const Bands& bands, const T* panel, int group, const Workspace<T>& work) const {
    for (const Band& band : bands) {
      float* const outputs = work.outputs + band.first * sizes_.paddedDim + group * kValueBlock;
      (kernels_.*Types<T>::values)(band.count, numPadded(band.keys), work.probabilities + band.first * kKeys, kKeys,
                                   panel, outputs, sizes_.paddedDim);
    }
  }

  /** Panels of bf16 hold pairs of keys. */
  static int numPadded(int keys) { return static_cast<int>(roundUp(keys, 2)); }

  void finish(const QueryTile& tile, int head, const Workspace<T>& work) {
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
