// x · 2^n for the sets without an instruction for it.

namespace {

/** 2^n for n from -126 to 127. */
inline Floats powerOfTwo(Ints n) { return floats(shiftLeft<23>(n + splatInt(127))); }

/** x · 2^n for whole n from -152 to 129, in two steps because 2^n alone leaves the range of a float32 at both ends. */
inline Floats timesPowerOfTwo(Floats x, Floats n) {
  // The lowest bits of 1.5 * 2^23 + n are those of n as an integer.
  const Floats rounder = splat(12582912.0f);
  const Ints whole = bits(n + rounder) - bits(rounder);
  const Ints half = shiftRightSigned<1>(whole);
  return x * powerOfTwo(half) * powerOfTwo(whole - half);
}

}  // namespace
