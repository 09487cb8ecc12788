// Times bursts of work, for the peak loops of all instruction sets.

#include <chrono>

#include "tables.h"

double bestRate(double seconds, double operations, void (*burst)()) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  auto before = start;
  double best = 0;
  do {
    burst();
    const auto after = Clock::now();
    const double rate = operations / std::chrono::duration<double>(after - before).count() / 1e9;
    if (rate > best) best = rate;
    before = after;
  } while (std::chrono::duration<double>(before - start).count() < seconds);
  return best;
}
