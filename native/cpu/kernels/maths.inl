// Exponential and activation functions on vectors. The polynomials are minimax fits; every lane is computed the same
// way, so a value does not depend on where in a row it stands.

namespace {

inline Floats negated(Floats x) { return splat(-0.0f) - x; }
inline Floats absolute(Floats x) { return floats(bits(x) & splatInt(0x7fffffff)); }

/** e^x within 1.5 units in the last place: 0 below -104, infinity above 88.73, NaN for NaN. */
inline Floats exponential(Floats x) {
  const Floats clamped = min(splat(89.0f), max(splat(-105.0f), x));
  // Adding 1.5 * 2^23 and taking it away again leaves the integer nearest to x / ln 2.
  const Floats rounder = splat(12582912.0f);
  const Floats whole = fma(clamped, splat(1.44269504f), rounder) - rounder;
  // ln 2 in two parts, of which the first has few enough bits for an exact product.
  const Floats r = fma(whole, splat(2.12194440e-4f), fma(whole, splat(-0.693359375f), clamped));
  Floats q = splat(0.0013950601f);
  q = fma(q, r, splat(0.008368953f));
  q = fma(q, r, splat(0.041666206f));
  q = fma(q, r, splat(0.16666518f));
  q = fma(q, r, splat(0.5f));
  const Floats power = splat(1.0f) + fma(q, r * r, r);
  return timesPowerOfTwo(power, whole);
}

/**
 * 2^x for x up to 0, with 1 for 0; NaN for NaN. The polynomial of degree 5 is for float32 (relative error below
 * 1.5e-7), that of degree 3 for bf16 (1.1e-4).
 */
template <int Degree>
inline Floats exponential2(Floats x) {
  static_assert(Degree == 3 || Degree == 5, "there are two polynomials");
  const Floats clamped = max(splat(-151.0f), x);
  const Floats rounder = splat(12582912.0f);
  const Floats whole = (clamped + rounder) - rounder;
  const Floats r = clamped - whole;
  Floats q;
  if constexpr (Degree == 5) {
    q = fma(splat(0.0013264727f), r, splat(0.009671513f));
    q = fma(q, r, splat(0.055507336f));
    q = fma(q, r, splat(0.24022242f));
    q = fma(q, r, splat(0.693147f));
  } else {
    q = fma(splat(0.055008933f), r, splat(0.24221095f));
    q = fma(q, r, splat(0.6932829f));
  }
  return timesPowerOfTwo(fma(q, r, splat(1.0f)), whole);
}

/** x / (1 + e^-x); 0 below -88.73, where the power is infinite. */
inline Floats silu(Floats x) { return x / (splat(1.0f) + exponential(negated(x))); }

/** x * Phi(x), Phi the normal distribution; absolute error below 3e-7 * max(1, |x|). */
inline Floats geluErf(Floats x) {
  const Floats z = absolute(x);
  // Phi(-z) = P(t) * e^(-z^2 / 2) with t = 1 / (1 + z / 4): no difference of near numbers for negative x.
  const Floats t = splat(1.0f) / fma(z, splat(0.25f), splat(1.0f));
  Floats p = splat(-0.09606885f);
  p = fma(p, t, splat(0.36304575f));
  p = fma(p, t, splat(-0.30996227f));
  p = fma(p, t, splat(0.32761756f));
  p = fma(p, t, splat(-0.0042946027f));
  p = fma(p, t, splat(0.12268956f));
  p = fma(p, t, splat(0.096819624f));
  p = fma(p, t, splat(0.00015323707f));
  const Floats tail = x * p * exponential(z * z * splat(-0.5f));
  return whereLess(x, splat(0.0f), tail, x - tail);
}

/** x / 2 * (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2 / pi) * (x + 0.044715 x^3). */
inline Floats geluTanh(Floats x) {
  const Floats u = x * fma(x * x, splat(0.044715f), splat(1.0f));
  return x / (splat(1.0f) + exponential(u * splat(-1.59576912f)));
}

inline Floats hyperbolicTangent(Floats x) {
  const Floats z = absolute(x);
  const Floats large = splat(1.0f) - splat(2.0f) / (splat(1.0f) + exponential(z + z));
  // Near 0 the difference above loses digits: x + x^3 * Q(x^2) instead.
  const Floats square = x * x;
  Floats q = splat(-0.0055286335f);
  q = fma(q, square, splat(0.020483317f));
  q = fma(q, square, splat(-0.053692967f));
  q = fma(q, square, splat(0.13330899f));
  q = fma(q, square, splat(-0.33333263f));
  const Floats small = fma(q, square * x, x);
  const Floats sign = floats(bits(x) & splatInt(0x80000000u));
  return whereLess(z, splat(0.65f), small, floats(bits(large) | bits(sign)));
}

}  // namespace
