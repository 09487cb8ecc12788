// Checks the online softmax over runs of blocks, some of which have no visible key.
#pragma once

#include "check.h"

struct ScoreBlock {
  int limit;
  Exact<float> scores;
};

/** What softmaxRow returns and leaves behind for a run of blocks, from its definition. */
inline Expected expectedSoftmax(const std::vector<ScoreBlock>& blocks, float scale) {
  Expected expected;
  double most = -INFINITY, sum = 0, sumTolerance = 0;
  for (const ScoreBlock& block : blocks) {
    double newMost = most;
    for (int j = 0; j < block.limit; ++j) newMost = std::max(newMost, static_cast<double>(block.scores[j]) * scale);
    // A maximum of 100 is rounded by up to 100 * kEps / 2, and whatever it is taken from moves as much.
    const double moved = std::isfinite(newMost) ? std::fabs(newMost) : 0;
    const double relative = kEps * (4 + moved);
    const double factor = block.limit == 0 ? 1 : std::exp(most - newMost);
    const double factorTolerance = factor * (relative + kEps * (std::isfinite(most) ? std::fabs(most) : 0)) + 3e-45;
    expected.add(factor, factorTolerance);
    double blockSum = 0;
    for (int64_t j = 0; j < block.scores.size(); ++j) {
      const double p = j < block.limit ? std::exp(static_cast<double>(block.scores[j]) * scale - newMost) : 0;
      expected.add(p, j < block.limit ? p * relative + 3e-45 : 0);
      blockSum += p;
    }
    sumTolerance = sumTolerance * factor + sum * factorTolerance + blockSum * relative;
    sum = sum * factor + blockSum;
    sumTolerance += sum * 8 * kEps;
    most = newMost;
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
