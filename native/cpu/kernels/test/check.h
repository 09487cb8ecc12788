// Runs one case on every instruction set, and counts how far the results are from what they should be.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../../kernels.h"
#include "exact.h"

using Values = std::vector<double>;
using Run = std::function<Values(const Kernels&)>;

/** Distance of 1 from the next float32. */
constexpr double kEps = 1.0 / (1 << 23);

struct Expected {
  Values values;
  Values tolerance;  // absolute, per value

  void add(double value, double allowed) {
    values.push_back(value);
    tolerance.push_back(allowed);
  }
};

/** Source of all random numbers of a run. */
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  /** Mostly short, now and then up to the longest. */
  int length(int longest) { return between(1, between(0, 3) == 0 ? longest : std::min(longest, 150)); }
  float normal() { return std::normal_distribution<float>()(engine_); }
  uint32_t bits() { return static_cast<uint32_t>(engine_()); }
  Exact<float> floats(int64_t n, float size = 1) {
    Exact<float> x(n);
    for (int64_t i = 0; i < n; ++i) x[i] = normal() * size;
    return x;
  }

 private:
  std::mt19937 engine_;
};

template <class T>
void append(Values& values, const Exact<T>& array) {
  for (int64_t i = 0; i < array.size(); ++i) values.push_back(static_cast<double>(array[i]));
}

/** 0 where both are the same number, the same infinity or NaN; else the difference as a share of the tolerance. */
inline double errorShare(double got, double want, double tolerance) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return 0;
  const double difference = std::fabs(got - want);
  return std::isfinite(difference) && tolerance > 0 ? difference / tolerance : HUGE_VAL;
}

class Test {
 public:
  explicit Test(unsigned seed) : random(seed) {}

  Random random;

  /** `same`: every set must give exactly what the portable kernels give. */
  void check(const std::string& kernel, const Expected& expected, bool same, const Run& run) {
    const Values plain = run(*selectKernels("portable"));
    for (const char* const* name = availableKernels(); *name != nullptr; ++name) {
      count(std::string(*name) + " " + kernel, run(*selectKernels(*name)), plain, expected, same);
    }
  }

  /** Prints a line per set and kernel; returns the number of those that failed. */
  int report() const {
    int failed = 0;
    for (const auto& [name, tally] : tallies_) {
      failed += tally.failures > 0;
      std::printf("%-24s %-4s %4d cases, largest error %.2f of the tolerance\n", name.c_str(),
                  tally.failures > 0 ? "FAIL" : "ok", tally.cases, tally.worst);
    }
    return failed;
  }

 private:
  struct Tally {
    int cases = 0;
    int failures = 0;
    double worst = 0;  // largest error as a share of its tolerance
  };

  void count(const std::string& name, const Values& got, const Values& plain, const Expected& expected, bool same) {
    double worst = got.size() == expected.values.size() ? 0 : HUGE_VAL;
    for (size_t i = 0; i < std::min(got.size(), expected.values.size()); ++i) {
      const double tolerance = expected.tolerance[i];
      worst = std::max(worst, errorShare(got[i], expected.values[i], tolerance));
      worst = std::max(worst, errorShare(got[i], plain[i], same ? 0 : tolerance));
    }
    Tally& tally = tallyOf(name);
    ++tally.cases;
    if (worst > 1) ++tally.failures;
    tally.worst = std::max(tally.worst, worst);
  }

  Tally& tallyOf(const std::string& name) {
    for (auto& [known, tally] : tallies_) {
      if (known == name) return tally;
    }
    return tallies_.emplace_back(name, Tally{}).second;
  }

  std::vector<std::pair<std::string, Tally>> tallies_;
};
