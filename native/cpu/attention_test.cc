// Compares attention() with a plain double-precision version, on random trees of spans, for every instruction set.

#include "attention.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace {

std::mt19937 generator(20260107);

int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

struct Tree {
  std::vector<int32_t> starts, rows, chainOffsets{0}, chains;
  int64_t numRows = 0;

  Spans view() const {
    return {static_cast<int>(starts.size()), starts.data(), rows.data(), chainOffsets.data(), chains.data()};
  }
};

/** Spans whose chains extend the chain of an earlier span by that span. */
Tree randomTree(bool causal) {
  Tree tree;
  std::vector<std::vector<int32_t>> chains;
  const int count = between(1, 6);
  for (int span = 0; span < count; span++) {
    std::vector<int32_t> chain;
    if (causal && span > 0 && between(0, 2) > 0) {
      const int parent = between(0, span - 1);
      chain = chains[parent];
      chain.push_back(parent);
    }
    chains.push_back(chain);
    const int rows = between(0, 3) == 0 ? between(1, 400) : between(1, 60);
    tree.starts.push_back(static_cast<int32_t>(tree.numRows));
    tree.rows.push_back(rows);
    tree.chains.insert(tree.chains.end(), chain.begin(), chain.end());
    tree.chainOffsets.push_back(static_cast<int32_t>(tree.chains.size()));
    tree.numRows += rows;
  }
  return tree;
}

float toFloat(bf16 value) {
  const uint32_t bits = uint32_t{value} << 16;
  float out;
  std::memcpy(&out, &bits, sizeof(out));
  return out;
}

/** A buffer of exactly `bytes`, so that AddressSanitizer sees every step outside. */
struct Buffer {
  std::unique_ptr<void, decltype(&std::free)> memory;
  explicit Buffer(size_t bytes) : memory(std::aligned_alloc(64, (bytes + 63) / 64 * 64), &std::free) {}
};

std::vector<double> plain(const AttentionArgs& args, const std::vector<float>& q, const std::vector<float>& k,
                          const std::vector<float>& v) {
  const int group = args.heads / args.kvHeads;
  std::vector<double> out(args.queries * args.heads * args.headDim, 0.0);
  for (int64_t query = 0; query < args.queries; query++) {
    const int64_t row = args.queryRows ? args.queryRows[query] : query;
    int span = 0;
    while (row >= args.spans.starts[span] + args.spans.rows[span]) span++;
    std::vector<int64_t> keys;
    for (int at = args.spans.chainOffsets[span]; at < args.spans.chainOffsets[span + 1]; at++) {
      const int other = args.spans.chains[at];
      for (int i = 0; i < args.spans.rows[other]; i++) keys.push_back(args.spans.starts[other] + i);
    }
    const int64_t end = args.causal ? row + 1 : args.spans.starts[span] + args.spans.rows[span];
    for (int64_t key = args.spans.starts[span]; key < end; key++) keys.push_back(key);
    for (int head = 0; head < args.heads; head++) {
      std::vector<double> scores;
      double max = -INFINITY, sum = 0;
      for (int64_t key : keys) {
        double score = 0;
        for (int i = 0; i < args.headDim; i++) {
          score += double{q[(query * args.heads + head) * args.headDim + i]} *
                   k[(key * args.kvHeads + head / group) * args.headDim + i];
        }
        scores.push_back(score * args.scale);
        max = std::max(max, scores.back());
      }
      for (double& score : scores) sum += score = std::exp(score - max);
      for (size_t at = 0; at < keys.size(); at++) {
        for (int i = 0; i < args.headDim; i++) {
          out[(query * args.heads + head) * args.headDim + i] +=
              scores[at] / sum * v[(keys[at] * args.kvHeads + head / group) * args.headDim + i];
        }
      }
    }
  }
  return out;
}

/** Random numbers as the run's type stores them, and their exact values as float. */
std::vector<float> fill(Buffer& buffer, int64_t count, bool isBf16, const Kernels& kernels) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  if (!isBf16) {
    std::memcpy(buffer.memory.get(), values.data(), count * sizeof(float));
    return values;
  }
  bf16* out = static_cast<bf16*>(buffer.memory.get());
  kernels.toBf16(count, values.data(), out);
  for (int64_t i = 0; i < count; i++) values[i] = toFloat(out[i]);
  return values;
}

/** Largest difference over the tolerance; at most 1 passes. */
double check(const Kernels& kernels, ThreadPool& pool) {
  const int headDims[] = {2, 20, 32, 64, 72, 128};
  AttentionArgs args{};
  args.kvHeads = between(1, 3);
  args.heads = args.kvHeads * between(1, 3);
  args.headDim = headDims[between(0, 5)];
  args.causal = between(0, 2) > 0;
  args.scale = 1 / std::sqrt(static_cast<float>(args.headDim));
  args.isBf16 = between(0, 1) == 1;
  const Tree tree = randomTree(args.causal);
  args.spans = tree.view();
  args.rows = tree.numRows;
  std::vector<int32_t> queryRows;
  if (between(0, 1) == 1) {
    for (int i = between(1, 20); i > 0; i--) queryRows.push_back(between(0, static_cast<int>(args.rows) - 1));
    args.queryRows = queryRows.data();
  }
  args.queries = args.queryRows ? static_cast<int64_t>(queryRows.size()) : args.rows;

  const size_t size = args.isBf16 ? sizeof(bf16) : sizeof(float);
  const int64_t outputs = args.queries * args.heads * args.headDim;
  const int64_t keys = args.rows * args.kvHeads * args.headDim;
  Buffer q(outputs * size), k(keys * size), v(keys * size), out(outputs * size);
  Buffer scratch(attentionScratchBytes(args, pool.threads()));
  const auto qs = fill(q, outputs, args.isBf16, kernels);
  const auto ks = fill(k, keys, args.isBf16, kernels);
  const auto vs = fill(v, keys, args.isBf16, kernels);
  args.q = q.memory.get();
  args.k = k.memory.get();
  args.v = v.memory.get();
  args.out = out.memory.get();
  attention(kernels, args, pool, scratch.memory.get());

  const std::vector<double> expected = plain(args, qs, ks, vs);
  // bf16 rounds the probabilities and the result to 8 bits.
  const double tolerance = args.isBf16 ? 2e-2 : 1e-5;
  double worst = 0;
  for (int64_t i = 0; i < outputs; i++) {
    const float value = args.isBf16 ? toFloat(static_cast<bf16*>(args.out)[i]) : static_cast<float*>(args.out)[i];
    const double difference = std::fabs(value - expected[i]) / tolerance;
    worst = std::isnan(value) ? INFINITY : std::max(worst, difference);
  }
  return worst;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  bool passed = true;
  for (const char* const* name = availableKernels(); *name != nullptr; name++) {
    ThreadPool pool(2);
    double worst = 0;
    for (int round = 0; round < rounds; round++) worst = std::max(worst, check(*selectKernels(*name), pool));
    std::printf("attention %-12s %d shapes, largest difference %.3f of the tolerance\n", *name, rounds, worst);
    passed = passed && worst <= 1;
  }
  return passed ? 0 : 1;
}
