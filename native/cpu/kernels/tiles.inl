// Matrix tiles, written once over the vectors of a simd_*.h header and a product: how values of x and of a panel are
// multiplied and summed. A product takes kDepth values of K per step, in kParts multiply-adds.
//
// Every sum of a tile runs over K from 0 upwards in one register, whatever the number of rows.

namespace {

inline Floats zero(Floats) { return splat(0); }
inline Ints zero(Ints) { return splatInt(0); }

struct ProductF32 {
  using X = float;
  using W = float;
  using Out = float;
  using Sum = Floats;
  static constexpr int kDepth = 1;
  static constexpr int kParts = 1;
  static constexpr int kVectors = kBlockVectors;
  static Floats weights(const float* panel, int) { return load(panel, Whole{}); }
  static Floats repeat(const float* x, int) { return splat(*x); }
  static Floats add(Floats sum, Floats x, Floats w) { return fma(x, w, sum); }
};

/** Pairs of bf16 for sets without a dot product of them: part 0 is the pair's first value, part 1 its second. */
struct ProductBf16Expanded {
  using X = bf16;
  using W = bf16;
  using Out = float;
  using Sum = Floats;
  static constexpr int kDepth = 2;
  static constexpr int kParts = 2;
  static constexpr int kVectors = kExpandedVectors;
  static Floats weights(const bf16* panel, int part) { return expand(loadBits(panel), part); }
  static Floats repeat(const bf16* x, int part) { return expand(splatBits(x), part); }
  static Floats add(Floats sum, Floats x, Floats w) { return fma(x, w, sum); }
  static Floats expand(Ints pair, int part) {
    return floats(part == 0 ? shiftLeft<16>(pair) : pair & splatInt(0xffff0000u));
  }
};

/** Fours of int8 for sets without a dot product of them: part 0 is the first and third value, part 1 the others. */
struct ProductI8Expanded {
  using X = uint8_t;
  using W = int8_t;
  using Out = int32_t;
  using Sum = Ints;
  static constexpr int kDepth = 4;
  static constexpr int kParts = 2;
  static constexpr int kVectors = kExpandedVectors;
  static Ints weights(const int8_t* panel, int part) {
    const Ints four = loadBits(panel);
    return part == 0 ? evenBytesSigned(four) : oddBytesSigned(four);
  }
  static Ints repeat(const uint8_t* x, int part) {
    const Ints four = splatBits(x);
    return (part == 0 ? four : shiftRight<8>(four)) & splatInt(0x00ff00ff);
  }
  static Ints add(Ints sum, Ints x, Ints w) { return sum + multiplyHalves(x, w); }
};

template <class Product>
struct TileTask {
  int steps;  // K / kDepth
  const typename Product::X* x;
  int64_t ldx;
  const typename Product::W* panel;
  typename Product::Out* out;
  int64_t ldo;
  bool accumulate;
};

/** Rows x Vectors sums in registers over the whole of K, from a panel of Columns columns. */
template <class Product, int Columns, int Rows, int Vectors>
inline void tileBlock(const TileTask<Product>& task) {
  using Sum = typename Product::Sum;
  const typename Product::X* x = task.x;
  const typename Product::W* panel = task.panel;
  Sum sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      sums[r][v] = task.accumulate ? load(task.out + r * task.ldo + v * kLanes, Whole{}) : zero(Sum{});
    }
  }
  for (int step = 0; step < task.steps; ++step) {
#pragma GCC unroll 2
    for (int part = 0; part < Product::kParts; ++part) {
      // Without this the compiler loads the values of both parts at once, for which there are too few registers.
      if constexpr (Product::kParts > 1) asm volatile("" : "+r"(x), "+r"(panel));
      decltype(Product::weights(panel, part)) w[Vectors];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) w[v] = Product::weights(panel + v * kLanes * Product::kDepth, part);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const auto value = Product::repeat(x + r * task.ldx, part);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) sums[r][v] = Product::add(sums[r][v], value, w[v]);
      }
    }
    x += Product::kDepth;
    panel += Columns * Product::kDepth;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) store(task.out + r * task.ldo + v * kLanes, sums[r][v], Whole{});
  }
}

/** tileBlock for the number of rows given, at most Rows. */
template <class Product, int Columns, int Vectors, int Rows>
inline void tileRows(int rows, const TileTask<Product>& task) {
  if constexpr (Rows > 1) {
    if (rows < Rows) return tileRows<Product, Columns, Vectors, Rows - 1>(rows, task);
  }
  tileBlock<Product, Columns, Rows, Vectors>(task);
}

template <class Product, int Columns, int Vectors>
inline void tileColumns(int rows, const TileTask<Product>& task) {
  static_assert(Columns % (Vectors * kLanes) == 0, "blocks cover a panel");
  for (int row = 0; row < rows; row += kBlockRows) {
    for (int column = 0; column < Columns; column += Vectors * kLanes) {
      TileTask<Product> block = task;
      block.x += row * task.ldx;
      block.panel += column * Product::kDepth;
      block.out += row * task.ldo + column;
      tileRows<Product, Columns, Vectors, kBlockRows>(rows - row, block);
    }
  }
}

template <class Product>
void tile(int rows, int K, const typename Product::X* x, int64_t ldx, const typename Product::W* panel,
          typename Product::Out* out) {
  tileColumns<Product, kPanel, Product::kVectors>(rows, {K / Product::kDepth, x, ldx, panel, out, kPanel, false});
}

/** tileRows for the vectors that `columns` need, at most Vectors; narrower tiles than 16 columns gain nothing. */
template <class Product, int Vectors>
inline void tileVectors(int columns, int rows, const TileTask<Product>& task) {
  if constexpr (Vectors > 1 && Vectors * kLanes > 16) {
    if (columns <= (Vectors - 1) * kLanes) return tileVectors<Product, Vectors - 1>(columns, rows, task);
  }
  tileRows<Product, kKeyBlock, Vectors, kBlockRows>(rows, task);
}

template <class Product>
void scores(int rows, int K, int columns, const typename Product::X* x, int64_t ldx, const typename Product::W* panel,
            typename Product::Out* out, int64_t ldo) {
  constexpr int kWidth = Product::kVectors * kLanes;
  for (int row = 0; row < rows; row += kBlockRows) {
    for (int column = 0; column < columns; column += kWidth) {
      const auto* const columnPanel = panel + column * Product::kDepth;
      const TileTask<Product> task{K / Product::kDepth,      x + row * ldx, ldx,  columnPanel,
                                   out + row * ldo + column, ldo,           false};
      tileVectors<Product, Product::kVectors>(columns - column, rows - row, task);
    }
  }
}

template <class Product>
void values(int rows, int K, const typename Product::X* x, int64_t ldx, const typename Product::W* panel,
            typename Product::Out* out, int64_t ldo) {
  tileColumns<Product, kValueBlock, kBlockVectors32>(rows, {K / Product::kDepth, x, ldx, panel, out, ldo, true});
}

constexpr int kBurstSteps = 1 << 15;

/** As many independent multiply-adds as a tile has, on registers alone. */
template <class Product>
void burst() {
  using Sum = typename Product::Sum;
  const typename Product::X someX[4 * kLanes] = {};
  const typename Product::W someW[4 * kLanes] = {};
  auto x = Product::repeat(someX, 0);
  auto w = Product::weights(someW, 0);
  opaque(w);
  Sum sums[kBlockRows][kBlockVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kBlockRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kBlockVectors; ++v) sums[r][v] = zero(Sum{});
  }
  for (int step = 0; step < kBurstSteps; ++step) {
#pragma GCC unroll 16
    for (int r = 0; r < kBlockRows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kBlockVectors; ++v) {
        opaque(x);
        sums[r][v] = Product::add(sums[r][v], x, w);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kBlockRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kBlockVectors; ++v) opaque(sums[r][v]);
  }
}

template <class Product>
double peak(double seconds) {
  constexpr double kOperations = 2.0 * kLanes * Product::kDepth / Product::kParts;
  return bestRate(seconds, kOperations * kBurstSteps * kBlockRows * kBlockVectors, burst<Product>);
}

/** The table of a set whose products of each type are those given. */
template <class F32, class Bf16, class I8>
constexpr Kernels kernelTable(const char* name) {
  return {name,
          tile<F32>,
          tile<Bf16>,
          tile<I8>,
          scores<F32>,
          scores<Bf16>,
          values<F32>,
          values<Bf16>,
          toBf16,
          toF32,
          quantizeRow,
          rmsNormRow,
          layerNormRow,
          rotaryRow,
          activateRow,
          swigluRow,
          addRow,
          softmaxRow<float>,
          softmaxRow<bf16>,
          scaleRow,
          sumSquares,
          peak<F32>,
          peak<Bf16>,
          peak<I8>};
}

}  // namespace
