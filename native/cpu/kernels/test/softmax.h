// Checks the online softmax over runs of blocks, some of which have no visible key.
#pragma once

#include "check.h"
#include "tiles.h"

struct ScoreBlock {
  int limit;
  Exact<float> scores;
};

// What is allowed of a power: its own error relative to it, that of its rounding (sets may round to either side, so a
// whole unit in the last place), and what is too small to be kept.
struct PowersF32 {
  using Stored = float;
  static constexpr auto kernel = &Kernels::softmaxRowF32;
  static constexpr double kPower = 4 * kEps, kRounding = 0, kSmallest = 3e-45;
  static double value(float p) { return p; }
};
struct PowersBf16 {
  using Stored = bf16;
  static constexpr auto kernel = &Kernels::softmaxRowBf16;
  static constexpr double kPower = 1.1e-4, kRounding = 1.0 / 128, kSmallest = 1.2e-38;
  static double value(bf16 p) { return fromUpperHalf(p); }
};

/** Tolerance of a computed e^(score - most): both are rounded, and so is their difference. */
template <class Powers>
double powerTolerance(double score, double most) {
  const double power = std::exp(score - most);
  if (power == 0) return Powers::kSmallest;
  return power * (Powers::kPower + kEps * (std::fabs(most) + std::fabs(score - most))) + Powers::kSmallest;
}

/** What softmaxRow returns and leaves behind for a run of blocks, from its definition. */
template <class Powers>
Expected expectedSoftmax(const std::vector<ScoreBlock>& blocks, float scale) {
  Expected expected;
  double most = -INFINITY, sum = 0, sumTolerance = 0;
  for (const ScoreBlock& block : blocks) {
    const double before = most;
    for (int j = 0; j < block.limit; ++j) most = std::max(most, static_cast<double>(block.scores[j]));
    const double factor = block.limit == 0 ? 1 : std::exp((before - most) * scale);
    const double factorTolerance = block.limit == 0 ? 0 : powerTolerance<PowersF32>(before * scale, most * scale);
    expected.add(factor, factorTolerance);
    sumTolerance = sumTolerance * factor + sum * factorTolerance;
    sum *= factor;
    for (int j = 0; j < block.scores.size(); ++j) {
      const double score = static_cast<double>(block.scores[j]) * scale;
      const double p = j < block.limit ? std::exp(score - most * scale) : 0;
      const double tolerance = j < block.limit ? powerTolerance<Powers>(score, most * scale) : 0;
      expected.add(p, tolerance + p * Powers::kRounding);
      sum += p;
      sumTolerance += tolerance;
    }
    sumTolerance += sum * 8 * kEps;
    expected.add(most, 0);
    expected.add(sum, sumTolerance);
  }
  return expected;
}

template <class Powers>
void checkSoftmaxRow(Test& test, const char* name) {
  using Stored = typename Powers::Stored;
  for (int i = 0; i < 200; ++i) {
    std::vector<ScoreBlock> blocks;
    const float size = i % 4 == 0 ? 60.0f : 3.0f, scale = i % 2 == 0 ? 1 : 0.125f;
    for (int b = test.random.between(1, 4); b > 0; --b) {
      const int n = i % 3 == 0 ? kKeyBlock : test.random.between(1, 300);
      const int limit = test.random.between(0, 2) == 0 ? n : test.random.between(0, n);
      blocks.push_back({limit, test.random.floats(n, size)});
    }
    test.check(name, expectedSoftmax<Powers>(blocks, scale), false, [&](const Kernels& kernels) {
      Values values;
      float most = -INFINITY, sum = 0;
      for (const ScoreBlock& block : blocks) {
        Exact<float> scores(block.scores);
        Exact<Stored> p(scores.size());
        const int n = static_cast<int>(scores.size());
        values.push_back((kernels.*Powers::kernel)(n, block.limit, scale, scores.data(), &most, &sum, p.data()));
        for (int j = 0; j < n; ++j) values.push_back(Powers::value(p[j]));
        values.push_back(most);
        values.push_back(sum);
      }
      return values;
    });
  }
}

inline void checkSoftmax(Test& test) {
  checkSoftmaxRow<PowersF32>(test, "softmaxRowF32");
  checkSoftmaxRow<PowersBf16>(test, "softmaxRowBf16");
}
