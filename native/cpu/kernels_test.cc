// Compares every kernel of every instruction set of this machine with double arithmetic and with the portable kernel,
// on random shapes. `kernels_test [seed]` prints a line per kernel and set, and exits with 1 if a result is further off
// than its tolerance; `kernels_test --bench` prints the rates of the tiles instead.

#include <cstring>

#include "kernels/test/bench.h"
#include "kernels/test/rows.h"
#include "kernels/test/softmax.h"
#include "kernels/test/tiles.h"

/** Whether unknown names are refused, known ones found, and the first is the default. */
bool selectionWorks() {
  if (selectKernels("") != nullptr || selectKernels("avx") != nullptr) return false;
  for (const char* const* name = availableKernels(); *name != nullptr; ++name) {
    if (selectKernels(*name) == nullptr || std::strcmp(selectKernels(*name)->name, *name) != 0) return false;
  }
  return selectKernels(nullptr) == selectKernels(availableKernels()[0]);
}

int main(int numArguments, char** arguments) {
  if (numArguments > 1 && std::strcmp(arguments[1], "--bench") == 0) {
    benchKernels();
    return 0;
  }
  const unsigned seed = numArguments > 1 ? static_cast<unsigned>(std::strtoul(arguments[1], nullptr, 10)) : 1;
  Test test(seed);
  checkTiles(test);
  checkConversions(test);
  checkQuantize(test);
  checkNorms(test);
  checkRotary(test);
  checkActivations(test);
  checkPairs(test);
  checkSoftmax(test);
  const int failed = test.report() + (selectionWorks() ? 0 : 1);
  std::printf("seed %u: %s\n", seed, failed == 0 ? "all within their tolerance" : "FAILED");
  return failed == 0 ? 0 : 1;
}
