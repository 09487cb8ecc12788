// bf16 from float32.

namespace {

/** The upper halves in the lower ones, rounded to nearest, ties to even. NaN stays NaN. */
inline Ints roundedHalves(Floats x) {
  const Ints whole = bits(x), upper = shiftRight<16>(whole);
  const Ints rounded = shiftRight<16>(whole + (upper & splatInt(1)) + splatInt(0x7fff));
  // A NaN is made quiet, so that cutting its lower bits cannot turn it into an infinity.
  return whereNan(x, upper | splatInt(0x40), rounded);
}

#if !defined(__AVX512BF16__)
/** Stores them, but numbers below the smallest normal one may become 0, which some sets have an instruction for. */
template <class Where>
inline void storeNormalHalves(bf16* p, Floats x, Where where) {
  storeHalves(p, roundedHalves(x), where);
}
#endif

}  // namespace
