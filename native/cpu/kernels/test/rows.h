// Checks the row operations.
#pragma once

#include <limits>

#include "tiles.h"

constexpr int kRowCases = 60;
constexpr int kLongestRow = 5000;
// Below this a result may be 0: e^-x of the largest x for which it is finite, times x, and the subnormal numbers.
constexpr double kSmallest = 3e-37;

inline float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/** Any bit pattern: subnormal numbers, infinities and NaN among them. */
inline Exact<float> anyFloats(Random& random, int64_t n) {
  Exact<float> x(n);
  const uint32_t special[] = {0x7f800000, 0xff800000, 0x7f800001, 0x7fffffff, 0x7f7fffff, 0x00000001, 0x3f808000};
  for (int64_t i = 0; i < n; ++i) x[i] = fromBits(i % 7 == 0 ? special[i / 7 % 7] : random.bits());
  return x;
}

/** The nearer of the two bf16 around x; of two equally near ones, that with an even last bit. */
inline double nearestBf16(float x) {
  if (!std::isfinite(x)) return x;
  const bf16 low = upperHalf(x);
  // The next one away from 0; past the largest stands 2^128, which reads as an infinity.
  const bf16 high = static_cast<bf16>(low + 1);
  const double near = fromUpperHalf(low), infinite = fromUpperHalf(high);
  const double far = std::isinf(infinite) ? std::copysign(std::ldexp(1, 128), x) : infinite;
  const double toNear = std::fabs(x - near), toFar = std::fabs(far - x);
  return toNear < toFar || (toNear == toFar && low % 2 == 0) ? near : infinite;
}

inline void checkConversions(Test& test) {
  for (int i = 0; i < kRowCases; ++i) {
    const Exact<float> x = anyFloats(test.random, test.random.length(kLongestRow));
    Exact<bf16> halves(x.size());
    Expected rounded, widened;
    for (int64_t j = 0; j < x.size(); ++j) {
      halves[j] = upperHalf(x[j]);
      rounded.add(nearestBf16(x[j]), 0);
      widened.add(fromUpperHalf(halves[j]), 0);
    }
    test.check("toBf16", rounded, true, [&](const Kernels& kernels) {
      Exact<bf16> out(x.size());
      kernels.toBf16(x.size(), x.data(), out.data());
      Values values;
      for (int64_t j = 0; j < out.size(); ++j) values.push_back(fromUpperHalf(out[j]));
      return values;
    });
    test.check("toF32", widened, true, [&](const Kernels& kernels) {
      Exact<float> out(x.size());
      kernels.toF32(x.size(), halves.data(), out.data());
      Values values;
      append(values, out);
      return values;
    });
  }
}

/** Sizes that a row is tried with: its usual one, and both ends of what a float32 holds. */
inline float someSize(int i) {
  const float sizes[] = {1, 1, 1, 30, 1e-3f, 1e-37f, 1e36f, 0};
  return sizes[i % 8];
}

inline void checkQuantize(Test& test) {
  for (int i = 0; i < kRowCases; ++i) {
    Exact<float> x = test.random.floats(test.random.length(kLongestRow), someSize(i));
    if (i % 16 == 3) x[x.size() - 1] = NAN;
    if (i % 16 == 9) x[x.size() / 2] = -INFINITY;
    double most = 0;
    for (int64_t j = 0; j < x.size(); ++j) most = std::isnan(x[j]) ? NAN : std::fmax(most, std::fabs(x[j]) + most * 0);
    const double scale = most < 127 * std::numeric_limits<float>::min() ? 0 : most / 127;
    Expected expected;
    expected.add(scale, scale * kEps);
    for (int64_t j = 0; j < x.size() && std::isfinite(most); ++j) {
      expected.add(scale == 0 ? 128 : x[j] / scale + 128, 0.5 + 127 * 2 * kEps);
    }
    test.check("quantizeRow", expected, true, [&](const Kernels& kernels) {
      Exact<uint8_t> out(x.size());
      float got = -1;
      kernels.quantizeRow(x.size(), x.data(), out.data(), &got);
      Values values{got};
      if (std::isfinite(got)) append(values, out);
      return values;
    });
  }
}

/** Runs kernel(x, out), with out another array or x itself. */
template <class Kernel>
Values runRow(const Exact<float>& x, bool inPlace, Kernel kernel) {
  Exact<float> in(x), out(x.size());
  Exact<float>& target = inPlace ? in : out;
  kernel(in.data(), target.data());
  Values values;
  append(values, target);
  return values;
}

inline void checkNorms(Test& test) {
  for (int i = 0; i < kRowCases; ++i) {
    const int n = test.random.length(kLongestRow);
    const float size = std::fmin(std::fmax(someSize(i), 1e-10f), 1e10f), eps = 1e-6f;
    Exact<float> x = test.random.floats(n, size);
    const Exact<float> weight = test.random.floats(n), bias = test.random.floats(n);
    const float offset = test.random.normal() * size;
    double sum = 0, squares = 0, spread = 0, most = 0;
    for (int j = 0; j < n; ++j) {
      x[j] += offset;
      sum += x[j];
      squares += static_cast<double>(x[j]) * x[j];
      most = std::fmax(most, std::fabs(x[j]));
    }
    const double mean = sum / n;
    for (int j = 0; j < n; ++j) spread += (x[j] - mean) * (x[j] - mean);
    const double rms = 1 / std::sqrt(squares / n + eps), deviation = 1 / std::sqrt(spread / n + eps);
    Expected total, rmsNorm, layerNorm;
    total.add(squares, squares * 8 * kEps);
    for (int j = 0; j < n; ++j) {
      rmsNorm.add(x[j] * rms * weight[j], 8 * kEps * std::fabs(x[j] * rms * weight[j]) + kSmallest);
      const double centred = (x[j] - mean) * deviation;
      // The mean is wrong by some units of the largest value, which matters where all values are nearly the same.
      const double doubt = (8 * std::fabs(centred) + 4 * most * deviation * (1 + std::fabs(centred))) * kEps;
      layerNorm.add(centred * weight[j] + bias[j], doubt * std::fabs(weight[j]) + std::fabs(bias[j]) * kEps);
    }
    test.check("sumSquares", total, false, [&](const Kernels& kernels) {
      return Values{kernels.sumSquares(n, x.data())};
    });
    test.check("rmsNormRow", rmsNorm, false, [&](const Kernels& kernels) {
      return runRow(x, i % 2 == 0, [&](const float* in, float* out) {
        kernels.rmsNormRow(n, in, weight.data(), eps, out);
      });
    });
    test.check("layerNormRow", layerNorm, false, [&](const Kernels& kernels) {
      return runRow(x, i % 2 == 0, [&](const float* in, float* out) {
        kernels.layerNormRow(n, in, weight.data(), bias.data(), eps, out);
      });
    });
  }
}

inline void checkRotary(Test& test) {
  for (const int headDim : {2, 20, 32, 64, 72, 96, 128, 130}) {
    const int heads = test.random.between(1, 17), half = headDim / 2;
    const Exact<float> x = test.random.floats(heads * headDim);
    Exact<float> cos(half), sin(half);
    for (int j = 0; j < half; ++j) {
      const float angle = test.random.normal() * 3;
      cos[j] = std::cos(angle);
      sin[j] = std::sin(angle);
    }
    Expected expected;
    for (int j = 0; j < heads * headDim; ++j) {
      const int pair = j % headDim % half;
      const bool low = j % headDim < half;
      const double other = low ? -x[j + half] : x[j - half];
      const double kept = static_cast<double>(x[j]) * cos[pair], turned = other * sin[pair];
      expected.add(kept + turned, kEps * (std::fabs(kept) + std::fabs(turned)));
    }
    test.check("rotaryRow", expected, false, [&](const Kernels& kernels) {
      return runRow(x, true, [&](const float*, float* out) {
        kernels.rotaryRow(heads, headDim, cos.data(), sin.data(), out);
      });
    });
  }
}

struct ActivationCase {
  const char* name;
  Activation activation;
  double (*value)(double x);
  double relative;  // tolerance as a share of the result
  double absolute;  // tolerance as a share of max(1, |x|)
};

inline double siluOf(double x) { return x / (1 + std::exp(-x)); }
inline double geluTanhOf(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

inline void checkActivations(Test& test) {
  const ActivationCase cases[] = {
      {"none", kActivationNone, [](double x) { return x; }, 0, 0},
      {"gelu_erf", kActivationGeluErf, [](double x) { return x / 2 * std::erfc(-x / std::sqrt(2.0)); }, 0, 3e-7},
      {"gelu_tanh", kActivationGeluTanh, geluTanhOf, 0, 3e-7},
      {"silu", kActivationSilu, siluOf, 4 * kEps, 0},
      {"tanh", kActivationTanh, [](double x) { return std::tanh(x); }, 3 * kEps, 0},
  };
  const float special[] = {0, -0.0f, 1e-40f, -1e-20f, 50, -50, 87.5f, -87.5f, 104, -104, 1e4f, -1e4f, NAN, -3e38f};
  for (int i = 0; i < kRowCases; ++i) {
    Exact<float> x = test.random.floats(test.random.length(kLongestRow), i % 3 == 0 ? 0.3f : 4);
    for (int64_t j = i; j < x.size(); j += 7) x[j] = special[j / 7 % 14];
    for (const ActivationCase& c : cases) {
      Expected expected;
      for (int64_t j = 0; j < x.size(); ++j) {
        const double value = c.value(x[j]);
        const double allowed = c.relative * std::fabs(value) + c.absolute * std::fmax(1, std::fabs(x[j]));
        expected.add(value, allowed + kSmallest);
      }
      test.check(c.name, expected, false, [&](const Kernels& kernels) {
        return runRow(x, true, [&](const float*, float* out) { kernels.activateRow(c.activation, x.size(), out); });
      });
    }
  }
}

inline void checkPairs(Test& test) {
  for (int i = 0; i < kRowCases; ++i) {
    const int n = test.random.length(kLongestRow);
    const Exact<float> a = test.random.floats(n, 4), b = test.random.floats(n);
    const float factor = test.random.normal();
    Expected swiglu, added, scaled;
    for (int j = 0; j < n; ++j) {
      const double product = siluOf(a[j]) * b[j];
      swiglu.add(product, 5 * kEps * std::fabs(product) + kSmallest);
      added.add(a[j] + b[j], 0);
      scaled.add(a[j] * factor, 0);
    }
    test.check("swigluRow", swiglu, false, [&](const Kernels& kernels) {
      return runRow(a, i % 2 == 0, [&](const float* gate, float* out) { kernels.swigluRow(n, gate, b.data(), out); });
    });
    test.check("addRow", added, true, [&](const Kernels& kernels) {
      return runRow(a, true, [&](const float*, float* out) { kernels.addRow(n, b.data(), out); });
    });
    test.check("scaleRow", scaled, true, [&](const Kernels& kernels) {
      return runRow(a, true, [&](const float*, float* out) { kernels.scaleRow(n, factor, out); });
    });
  }
}
