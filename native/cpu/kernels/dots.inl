// The product of int8 for sets with an instruction that sums four products of bytes; the file that includes this has
// dotBytes, that instruction.

namespace {

struct ProductI8Dot {
  using X = uint8_t;
  using W = int8_t;
  using Out = int32_t;
  using Sum = Ints;
  static constexpr int kDepth = 4;
  static constexpr int kParts = 1;
  static constexpr int kVectors = kBlockVectors;
  static Ints weights(const int8_t* panel, int) { return loadBits(panel); }
  static Ints repeat(const uint8_t* x, int) { return splatBits(x); }
  static Ints add(Ints sum, Ints x, Ints w) { return dotBytes(sum, x, w); }
};

}  // namespace
