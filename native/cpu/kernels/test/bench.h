// Measures the matrix tiles of every instruction set against the peak of its multiply-adds.
#pragma once

#include <chrono>

#include "tiles.h"

constexpr int kBenchRepeats = 5;
constexpr int kBenchTiles = 16;   // row tiles that one panel serves
constexpr int kBenchPanels = 8;

struct Rates {
  double best, median;
};

/** Rates of `work`, which does `operations`, in 1e9 per second. */
template <class Work>
Rates rates(double operations, Work work) {
  Values seen;
  for (int i = 0; i < kBenchRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seen.push_back(operations / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 1e9);
  }
  std::sort(seen.begin(), seen.end());
  return {seen.back(), seen[seen.size() / 2]};
}

template <class Types, class Member>
void benchTile(const Kernels& kernels, const char* name, Member member, double peak) {
  Random random(1);
  for (const int K : {512, 1024, 2048, 3072, 4096}) {
    Exact<typename Types::X> x(static_cast<int64_t>(kBenchTiles) * kTileRows * K);
    Exact<typename Types::W> panels(static_cast<int64_t>(kBenchPanels) * kPanel * K);
    Exact<typename Types::Out> out(kTileRows * kPanel);
    for (int64_t i = 0; i < x.size(); ++i) x[i] = Types::x(random, 1);
    for (int64_t i = 0; i < panels.size(); ++i) panels[i] = Types::w(random, 1);
    const double operations = 2.0 * kBenchPanels * kPanel * kBenchTiles * kTileRows * K;
    const Rates rate = rates(operations, [&] {
      for (int64_t panel = 0; panel < kBenchPanels; ++panel) {
        for (int64_t tile = 0; tile < kBenchTiles; ++tile) {
          (kernels.*member)(kTileRows, K, x.data() + tile * kTileRows * K, K, panels.data() + panel * kPanel * K,
                            out.data());
        }
      }
    });
    std::printf("%-12s %-9s K %4d  median %7.1f  best %7.1f  %3.0f %% of peak %.1f\n", kernels.name, name, K,
                rate.median, rate.best, 100 * rate.best / peak, peak);
  }
}

/** Nanoseconds for one row of attention scores, and for one value of the elementwise operations. */
inline void benchRows(const Kernels& kernels) {
  constexpr int kCalls = 20000, kWidth = 3072;
  Random random(1);
  const Exact<float> scores = random.floats(kKeyBlock * 8);
  Exact<bf16> p(kKeyBlock);
  const Rates softmax = rates(kCalls, [&] {
    for (int i = 0; i < kCalls; ++i) {
      float most = 0, sum = 0;
      kernels.softmaxRowBf16(kKeyBlock, kKeyBlock, 0.1f, scores.data() + i % 8 * kKeyBlock, &most, &sum, p.data());
    }
  });
  const Exact<float> gate = random.floats(kWidth), up = random.floats(kWidth);
  Exact<float> out(kWidth);
  Exact<bf16> half(kWidth);
  const auto perValue = [&](auto kernel) {
    return 1 / rates(1000.0 * kWidth, [&] {
      for (int i = 0; i < 1000; ++i) kernel();
    }).best;
  };
  std::printf("%-12s softmaxRow of %d: %.0f ns; per value: swiglu %.3f ns, rmsNorm %.3f ns, toBf16 %.3f ns\n",
              kernels.name, kKeyBlock, 1 / softmax.best,
              perValue([&] { kernels.swigluRow(kWidth, gate.data(), up.data(), out.data()); }),
              perValue([&] { kernels.rmsNormRow(kWidth, gate.data(), up.data(), 1e-6f, out.data()); }),
              perValue([&] { kernels.toBf16(kWidth, gate.data(), half.data()); }));
}

inline void benchKernels() {
  constexpr double kPeakSeconds = 0.3;
  for (const char* const* name = availableKernels(); *name != nullptr; ++name) {
    const Kernels& kernels = *selectKernels(*name);
    benchTile<TypesF32>(kernels, "tileF32", &Kernels::tileF32, kernels.peakF32(kPeakSeconds));
    benchTile<TypesBf16>(kernels, "tileBf16", &Kernels::tileBf16, kernels.peakBf16(kPeakSeconds));
    benchTile<TypesI8>(kernels, "tileI8", &Kernels::tileI8, kernels.peakI8(kPeakSeconds));
    benchRows(kernels);
  }
}
