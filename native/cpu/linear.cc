// The driver of the matrix kernels: which tiles, in which order, and what happens to a tile while it is in cache.

#include "linear.h"

#include <algorithm>

namespace {

/** A panel's part for one pass is this many bytes at most: with the rows' part below, it fits a second-level cache. */
constexpr int64_t kPanelPassBytes = 2048 * 2 * kPanel;
/** Rows of x are gone through in blocks of about this many bytes a pass. */
constexpr int64_t kRowsPassBytes = 256 << 10;
constexpr int64_t kMaxRowsPerBlock = 128;
/** Tasks per thread: enough that the last ones end at about the same time. */
constexpr int64_t kTasksPerThread = 48;

constexpr int64_t kTile = kTileRows * kPanel;

int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

/** One kind of product: the types it works on and the kernel that computes a tile. */
struct F32 {
  using Number = float;
  using Sum = float;
  static constexpr Format format = Format::f32;
  static const float* row(const Matrix& x, int64_t row) { return x.floats(row); }
  static auto kernel(const Kernels& kernels) { return kernels.tileF32; }
};
struct Bf16 {
  using Number = bf16;
  using Sum = float;
  static constexpr Format format = Format::bf16;
  static const bf16* row(const Matrix& x, int64_t row) { return x.halves(row); }
  static auto kernel(const Kernels& kernels) { return kernels.tileBf16; }
};
struct Int8 {
  using Number = int8_t;
  using Sum = int32_t;
  static constexpr Format format = Format::i8;
  static const uint8_t* row(const Matrix& x, int64_t row) { return x.bytesOf(row); }
  static auto kernel(const Kernels& kernels) { return kernels.tileI8; }
};

/** Which rows and panels a task computes; the split decides only who computes what, never how. */
struct Split {
  int64_t rowsPerBlock;
  int64_t numRowBlocks;
  int64_t panelsPerGroup;
  int64_t numGroups;

  Split(const LinearArgs& args, int64_t bytesPerRow, int threads) {
    const int64_t panels = numPanels(args.weight.rows);
    const int64_t wanted = kTasksPerThread * threads;
    rowsPerBlock = std::clamp(kRowsPassBytes / bytesPerRow / kTileRows * kTileRows, int64_t{kTileRows},
                              kMaxRowsPerBlock);
    // Few rows and many threads: smaller blocks, down to a tile.
    while (rowsPerBlock > kTileRows && divideUp(args.x.rows, rowsPerBlock) * panels < wanted) {
      rowsPerBlock = roundUp(rowsPerBlock / 2, kTileRows);
    }
    numRowBlocks = divideUp(args.x.rows, rowsPerBlock);
    panelsPerGroup = std::max<int64_t>(1, panels * numRowBlocks / wanted);
    numGroups = divideUp(panels, panelsPerGroup);
  }
};

template <typename Kind>
class Product {
 public:
  using Number = typename Kind::Number;
  using Sum = typename Kind::Sum;

  Product(const Kernels& kernels, const LinearArgs& args)
      : kernels_(kernels),
        args_(args),
        depth_(paddedWidth(Kind::format, args.x.width)),
        pass_(kPanelPassBytes / kPanel / static_cast<int64_t>(sizeof(Number))) {}

  void run(ThreadPool& pool) const {
    const int64_t bytesPerRow = std::min(depth_, pass_) * static_cast<int64_t>(sizeof(Number));
    const Split split(args_, bytesPerRow, pool.threads());
    const int64_t panels = numPanels(args_.weight.rows);
    // Groups of one block of rows follow each other, so that the rows stay in cache.
    pool.parallelFor(split.numRowBlocks * split.numGroups, [&](int64_t task, int) {
      const int64_t firstRow = task / split.numGroups * split.rowsPerBlock;
      const int64_t firstPanel = task % split.numGroups * split.panelsPerGroup;
      const int64_t lastRow = std::min(firstRow + split.rowsPerBlock, args_.x.rows);
      const int64_t lastPanel = std::min(firstPanel + split.panelsPerGroup, panels);
      for (int64_t panel = firstPanel; panel < lastPanel; panel++) computePanel(panel, firstRow, lastRow);
    });
  }

 private:
  /** One panel for a block of rows. Every tile is finished as soon as its last pass is done. */
  void computePanel(int64_t panel, int64_t firstRow, int64_t lastRow) const {
    alignas(kAlignment) Sum sums[kMaxRowsPerBlock * kPanel];
    alignas(kAlignment) Sum upSums[kMaxRowsPerBlock * kPanel];
    for (int64_t depth = 0; depth < depth_; depth += pass_) {
      const bool isLast = depth + pass_ >= depth_;
      for (int64_t row = firstRow; row < lastRow; row += kTileRows) {
        const int rows = static_cast<int>(std::min<int64_t>(kTileRows, lastRow - row));
        const int64_t at = depth_ <= pass_ ? 0 : (row - firstRow) * kPanel;
        multiply(args_.weight, panel, depth, row, rows, sums + at);
        if (args_.up != nullptr) multiply(*args_.up, panel, depth, row, rows, upSums + at);
        if (isLast) finish(panel, row, rows, sums + at, upSums + at);
      }
    }
  }

  /** One pass over the depth, added to what earlier passes left. */
  void multiply(const PackedWeight& weight, int64_t panel, int64_t depth, int64_t row, int rows, Sum* sums) const {
    const int count = static_cast<int>(std::min(pass_, depth_ - depth));
    const auto* numbers = reinterpret_cast<const Number*>(weight.panel(panel)) + depth * kPanel;
    const auto* x = Kind::row(args_.x, row) + depth;
    if (depth == 0) {
      Kind::kernel(kernels_)(rows, count, x, args_.x.stride, numbers, sums);
      return;
    }
    alignas(kAlignment) Sum part[kTile];
    Kind::kernel(kernels_)(rows, count, x, args_.x.stride, numbers, part);
    for (int i = 0; i < rows * kPanel; i++) sums[i] += part[i];
  }

  /** What follows the product, on a tile in the first-level cache. */
  void finish(int64_t panel, int64_t row, int rows, Sum* sums, Sum* upSums) const {
    alignas(kAlignment) float scaled[kTile];
    alignas(kAlignment) float upScaled[kTile];
    float* tile = scale(args_.weight, panel, row, rows, sums, scaled);
    if (args_.up != nullptr) {
      kernels_.swigluRow(rows * kPanel, tile, scale(*args_.up, panel, row, rows, upSums, upScaled), tile);
    }
    if (args_.bias != nullptr) {
      for (int r = 0; r < rows; r++) {
        for (int i = 0; i < kPanel; i++) tile[r * kPanel + i] += args_.bias[panel * kPanel + i];
      }
    }
    if (args_.activation != kActivationNone) kernels_.activateRow(args_.activation, rows * kPanel, tile);
    for (int r = 0; r < rows; r++) storeRow(panel, row + r, tile + r * kPanel);
  }

  /** Sums as float32: where they are, or in `scaled`. */
  float* scale(const PackedWeight& weight, int64_t panel, int64_t row, int rows, Sum* sums,
               [[maybe_unused]] float* scaled) const {
    if constexpr (Kind::format == Format::i8) {
      const Int8Columns& columns = weight.int8Columns(panel);
      for (int r = 0; r < rows; r++) {
        const float rowScale = args_.x.scales[row + r];
        for (int i = 0; i < kPanel; i++) {
          const int at = r * kPanel + i;
          scaled[at] = static_cast<float>(sums[at] - columns.corrections[i]) * (rowScale * columns.scales[i]);
        }
      }
      return scaled;
    } else {
      return sums;
    }
  }

  void storeRow(int64_t panel, int64_t row, const float* tile) const {
    const Matrix& out = args_.out;
    const int64_t column = panel * kPanel;
    const int64_t count = std::min<int64_t>(kPanel, out.width - column);
    if (out.format == Format::bf16) {
      kernels_.toBf16(count, tile, out.halves(row) + column);
      if (column + count == out.width && out.width % 2 != 0) out.halves(row)[out.width] = 0;
      return;
    }
    float* const to = out.floats(row) + column;
    if (args_.residual == nullptr) {
      std::copy(tile, tile + count, to);
    } else {
      const float* const residual = args_.residual->floats(row) + column;
      for (int64_t i = 0; i < count; i++) to[i] = tile[i] + residual[i];
    }
  }

  const Kernels& kernels_;
  const LinearArgs& args_;
  /** Products to a sum, and how many of them to a pass. */
  const int64_t depth_;
  const int64_t pass_;
};

}  // namespace

void linear(const Kernels& kernels, const LinearArgs& args, ThreadPool& pool) {
  switch (args.weight.format) {
    case Format::f32:
      return Product<F32>(kernels, args).run(pool);
    case Format::bf16:
      return Product<Bf16>(kernels, args).run(pool);
    case Format::i8:
      return Product<Int8>(kernels, args).run(pool);
  }
}
