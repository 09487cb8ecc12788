// Checks the online softmax over runs of blocks, some of which have no visible key.
#pragma once

#include "check.h"

struct ScoreBlock {
  int limit;
  Exact<float> scores;
};

/** Tolerance of a computed e^(score - most): both are rounded, and so is their difference. */
inline double powerTolerance(double score, double most) {
  const double power = std::exp(score - most);
  return power == 0 ? 3e-45 : power * kEps * (4 + std::fabs(most) + std::fabs(score - most)) + 3e-45;
}

/** What softmaxRow returns and leaves behind for a run of blocks, from its definition. */
inline Expected expectedSoftmax(const std::vector<ScoreBlock>& blocks, float scale) {
  Expected expected;
  double most = -INFINITY, sum = 0, sumTolerance = 0;
  for (const ScoreBlock& block : blocks) {
    const double before = most;
    for (int j = 0; j < block.limit; ++j) most = std::max(most, static_cast<double>(block.scores[j]) * scale);
    const double factor = block.limit == 0 ? 1 : std::exp(before - most);
    const double factorTolerance = block.limit == 0 ? 0 : powerTolerance(before, most);
    expected.add(factor, factorTolerance);
    sumTolerance = sumTolerance * factor + sum * factorTolerance;
    sum *= factor;
    for (int j = 0; j < block.scores.size(); ++j) {
      const double score = static_cast<double>(block.scores[j]) * scale;
      const double p = j < block.limit ? std::exp(score - most) : 0;
      expected.add(p, j < block.limit ? powerTolerance(score, most) : 0);
      sum += p;
      sumTolerance += expected.tolerance.back();
    }
    sumTolerance += sum * 8 * kEps;
    expected.add(most, std::fabs(most) * kEps);
    expected.add(sum, sumTolerance);
  }
  return expected;
}

inline void checkSoftmax(Test& test) {
  for (int i = 0; i < 200; ++i) {
    std::vector<ScoreBlock> blocks;
    const float size = i % 4 == 0 ? 60.0f : 3.0f, scale = i % 2 == 0 ? 1 : 0.125f;
    for (int b = test.random.between(1, 4); b > 0; --b) {
      const int n = i % 3 == 0 ? kKeyBlock : test.random.between(1, 300);
      const int limit = test.random.between(0, 2) == 0 ? n : test.random.between(0, n);
      blocks.push_back({limit, test.random.floats(n, size)});
    }
    test.check("softmaxRow", expectedSoftmax(blocks, scale), false, [&](const Kernels& kernels) {
      Values values;
      float most = -INFINITY, sum = 0;
      for (const ScoreBlock& block : blocks) {
        Exact<float> scores(block.scores), p(scores.size());
        Exact<float>& target = i % 5 == 0 ? scores : p;
        const int n = static_cast<int>(scores.size());
        values.push_back(
            kernels.softmaxRow(n, block.limit, scale, scores.data(), &most, &sum, target.data()));
        append(values, target);
        values.push_back(most);
        values.push_back(sum);
      }
      return values;
    });
  }
}
