// Chooses among the instruction sets that this machine and its operating system support.

#include <cstring>

#include "tables.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace {

constexpr int kMaxSets = 6;

/** The sets of this machine, best first; both lists end in nullptr. */
struct Sets {
  const Kernels* tables[kMaxSets + 1] = {};
  const char* names[kMaxSets + 1] = {};
  int count = 0;

  void add(const Kernels& table) {
    tables[count] = &table;
    names[count] = table.name;
    ++count;
  }
};

#if defined(__x86_64__)
/** Leaf 7, subleaf 1, EAX: features that older compilers do not know by name. */
[[maybe_unused]] bool hasFeature(int bit) {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1u << bit)) != 0;
}
constexpr int kAvxVnniBit = 4;
constexpr int kAvx512Bf16Bit = 5;

/**
 * __builtin_cpu_supports also asks the operating system (XCR0) whether it keeps the ymm and zmm registers. Sets that the
 * compiler does not know are left out: see build-native.js.
 */
void addSpecial(Sets& sets) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  [[maybe_unused]] const bool avx512Vnni = avx512 && __builtin_cpu_supports("avx512vnni");
#ifndef WITHOUT_AVX512BF16
  if (avx512Vnni && hasFeature(kAvx512Bf16Bit)) sets.add(kAvx512Bf16Kernels);
#endif
#ifndef WITHOUT_AVX512VNNI
  if (avx512Vnni) sets.add(kAvx512VnniKernels);
#endif
#ifndef WITHOUT_AVX512
  if (avx512) sets.add(kAvx512Kernels);
#endif
#ifndef WITHOUT_AVXVNNI
  if (avx2 && hasFeature(kAvxVnniBit)) sets.add(kAvxVnniKernels);
#endif
  if (avx2) sets.add(kAvx2Kernels);
}
#elif defined(__aarch64__)
void addSpecial(Sets& sets) { sets.add(kNeonKernels); }
#else
void addSpecial(Sets&) {}
#endif

const Sets& machineSets() {
  static const Sets sets = [] {
    Sets found;
    addSpecial(found);
    found.add(kPortableKernels);
    return found;
  }();
  return sets;
}

}  // namespace

const Kernels* selectKernels(const char* forced) {
  const Sets& sets = machineSets();
  if (forced == nullptr) return sets.tables[0];
  for (int i = 0; i < sets.count; ++i) {
    if (std::strcmp(sets.names[i], forced) == 0) return sets.tables[i];
  }
  return nullptr;
}

const char* const* availableKernels() { return machineSets().names; }
