// Row operations, written once over the vectors of a simd_*.h header.

namespace {

/** body(i, where) for every vector of a row of n; the last one may be a Part. */
template <class Body>
inline void eachVector(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, Whole{});
  if (i < n) body(i, Part{static_cast<int>(n - i)});
}

/** The sum of all lanes of term(i, where) over a row; four sums at once hide the latency of the additions. */
template <class Term>
inline float sumVectors(int64_t n, Term term) {
  Floats sums[4] = {splat(0), splat(0), splat(0), splat(0)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int s = 0; s < 4; ++s) sums[s] = sums[s] + term(i + s * kLanes, Whole{});
  }
  eachVector(n - i, [&](int64_t rest, auto where) { sums[0] = sums[0] + term(i + rest, where); });
  return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

void toBf16(int64_t n, const float* x, bf16* out) {
  eachVector(n, [=](int64_t i, auto where) { storeHalves(out + i, roundedHalves(load(x + i, where)), where); });
}

void toF32(int64_t n, const bf16* x, float* out) {
  eachVector(n, [=](int64_t i, auto where) {
    store(out + i, floats(shiftLeft<16>(loadHalves(x + i, where))), where);
  });
}

void quantizeRow(int64_t n, const float* x, uint8_t* out, float* scale) {
  // Without their sign, floats order as integers, with NaN above infinity: a bad value is never overlooked.
  Ints most = splatInt(0);
  eachVector(n, [&](int64_t i, auto where) { most = maxSigned(most, bits(absolute(load(x + i, where)))); });
  const float largestValue = sameBits<float>(largestSigned(most));
  const float smallestNormal = 1.17549435e-38f;
  const bool zero = largestValue < 127 * smallestNormal;
  *scale = zero ? 0 : largestValue / 127;
  const Floats inverse = splat(zero ? 0 : 127 / largestValue);
  // 1.5 * 2^23 + 128: the sum's lowest byte is the rounded value + 128.
  const Floats rounder = splat(12582912.0f + 128.0f);
  eachVector(n, [=](int64_t i, auto where) {
    storeBytes(out + i, bits(load(x + i, where) * inverse + rounder) & splatInt(0xff), where);
  });
}

float sumSquares(int64_t n, const float* x) {
  return sumVectors(n, [=](int64_t i, auto where) {
    const Floats value = load(x + i, where);
    return value * value;
  });
}

void rmsNormRow(int64_t n, const float* x, const float* weight, float eps, float* out) {
  const Floats inverse = splat(1 / sqrtf(sumSquares(n, x) / static_cast<float>(n) + eps));
  eachVector(n, [=](int64_t i, auto where) {
    store(out + i, load(x + i, where) * inverse * load(weight + i, where), where);
  });
}

void layerNormRow(int64_t n, const float* x, const float* weight, const float* bias, float eps, float* out) {
  const auto length = static_cast<float>(n);
  const Floats mean = splat(sumVectors(n, [=](int64_t i, auto where) { return load(x + i, where); }) / length);
  const float squares = sumVectors(n, [=](int64_t i, auto where) {
    const Floats centred = keep(load(x + i, where) - mean, where, splat(0));
    return centred * centred;
  });
  const Floats inverse = splat(1 / sqrtf(squares / length + eps));
  eachVector(n, [=](int64_t i, auto where) {
    const Floats normal = (load(x + i, where) - mean) * inverse;
    store(out + i, fma(normal, load(weight + i, where), load(bias + i, where)), where);
  });
}

void rotaryRow(int heads, int headDim, const float* cos, const float* sin, float* x) {
  const int half = headDim / 2;
  for (int head = 0; head < heads; ++head) {
    float* const low = x + static_cast<int64_t>(head) * headDim;
    float* const high = low + half;
    eachVector(half, [=](int64_t i, auto where) {
      const Floats a = load(low + i, where), b = load(high + i, where);
      const Floats c = load(cos + i, where), s = load(sin + i, where);
      store(low + i, a * c - b * s, where);
      store(high + i, b * c + a * s, where);
    });
  }
}

template <Floats (*Function)(Floats)>
inline void applyRow(int64_t n, float* x) {
  eachVector(n, [=](int64_t i, auto where) { store(x + i, Function(load(x + i, where)), where); });
}

void activateRow(int activation, int64_t n, float* x) {
  switch (activation) {
    case kActivationGeluErf:
      return applyRow<geluErf>(n, x);
    case kActivationGeluTanh:
      return applyRow<geluTanh>(n, x);
    case kActivationSilu:
      return applyRow<silu>(n, x);
    case kActivationTanh:
      return applyRow<hyperbolicTangent>(n, x);
    default:
      return;
  }
}

void swigluRow(int64_t n, const float* gate, const float* up, float* out) {
  eachVector(n, [=](int64_t i, auto where) {
    store(out + i, silu(load(gate + i, where)) * load(up + i, where), where);
  });
}

void addRow(int64_t n, const float* a, float* out) {
  eachVector(n, [=](int64_t i, auto where) { store(out + i, load(out + i, where) + load(a + i, where), where); });
}

void scaleRow(int64_t n, float factor, float* x) {
  eachVector(n, [=](int64_t i, auto where) { store(x + i, load(x + i, where) * splat(factor), where); });
}

// What softmaxRow stores for each type of probabilities.
template <class Where>
inline void storePowers(float* p, Floats exponents, Where where, Floats& total) {
  const Floats powers = exponential2<5>(exponents);
  store(p, powers, where);
  total = total + keep(powers, where, splat(0));
}
template <class Where>
inline void storePowers(bf16* p, Floats exponents, Where where, Floats& total) {
  const Floats powers = exponential2<3>(exponents);
  storeNormalHalves(p, powers, where);
  total = total + keep(powers, where, splat(0));
}

template <class P>
float softmaxRow(int n, int limit, float scale, const float* scores, float* runningMax, float* runningSum, P* p) {
  for (int i = limit; i < n; ++i) p[i] = 0;
  if (limit <= 0) return 1;
  const Floats lowest = splat(-INFINITY);
  Floats most = splat(*runningMax);
  eachVector(limit, [&](int64_t i, auto where) { most = max(most, keep(load(scores + i, where), where, lowest)); });
  const float before = *runningMax, after = largest(most);
  const float factor = scale * 1.44269504f;  // powers of 2 instead of e
  const Floats factors = splat(factor), subtract = splat(-after * factor);
  Floats total = splat(0);
  eachVector(limit, [&](int64_t i, auto where) {
    storePowers(p + i, fma(load(scores + i, where), factors, subtract), where, total);
  });
  // Most blocks do not raise the maximum, or are the first.
  const bool isFirst = before == -INFINITY;
  const float shrink = before == after ? 1 : isFirst ? 0 : firstLane(exponential2<5>(splat((before - after) * factor)));
  *runningMax = after;
  *runningSum = *runningSum * shrink + sum(total);
  return shrink;
}

}  // namespace
