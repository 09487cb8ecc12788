// Compares attention() with a plain double-precision version, on random trees of spans, and runs over kept spans with
// runs that compute everything, for every instruction set.

#include "attention.h"
#include "query_tiles.h"

#include <algorithm>
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
  std::vector<int64_t> kept;
  int64_t numRows = 0;

  Spans view() const {
    return {static_cast<int>(starts.size()), starts.data(), rows.data(), chainOffsets.data(), chains.data(),
            kept.data()};
  }

  void add(int count, const std::vector<int32_t>& chain, bool isKept = false) {
    starts.push_back(isKept ? 0 : static_cast<int32_t>(numRows));
    rows.push_back(count);
    if (!isKept) chains.insert(chains.end(), chain.begin(), chain.end());
    chainOffsets.push_back(static_cast<int32_t>(chains.size()));
    kept.push_back(isKept ? static_cast<int64_t>(starts.size()) : kNoNumber);
    if (!isKept) numRows += count;
  }

  std::vector<int32_t> chain(int span) const {
    return {chains.begin() + chainOffsets[span], chains.begin() + chainOffsets[span + 1]};
  }
};

/** Spans whose chains extend the chain of an earlier span by that span. */
Tree randomTree(bool causal) {
  Tree tree;
  const int count = between(1, 6);
  for (int span = 0; span < count; span++) {
    std::vector<int32_t> chain;
    if (causal && span > 0 && between(0, 2) > 0) {
      const int parent = between(0, span - 1);
      chain = tree.chain(parent);
      chain.push_back(parent);
    }
    tree.add(between(0, 3) == 0 ? between(1, 400) : between(1, 60), chain);
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

AttentionArgs randomShape() {
  const int headDims[] = {2, 20, 32, 64, 72, 128};
  AttentionArgs args{};
  args.kvHeads = between(1, 3);
  args.heads = args.kvHeads * between(1, 3);
  args.headDim = headDims[between(0, 5)];
  args.causal = between(0, 2) > 0;
  args.scale = 1 / std::sqrt(static_cast<float>(args.headDim));
  args.isBf16 = between(0, 1) == 1;
  return args;
}

void run(const Kernels& kernels, AttentionArgs args, ThreadPool& pool) {
  const std::vector<QueryTile> tiles = queryTiles(args);
  args.tiles = &tiles;
  Buffer scratch(attentionScratchBytes(args, pool.threads()));
  attention(kernels, args, pool, scratch.memory.get());
}

/** Largest difference over the tolerance; at most 1 passes. */
double check(const Kernels& kernels, ThreadPool& pool) {
  AttentionArgs args = randomShape();
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
  const auto qs = fill(q, outputs, args.isBf16, kernels);
  const auto ks = fill(k, keys, args.isBf16, kernels);
  const auto vs = fill(v, keys, args.isBf16, kernels);
  args.q = q.memory.get();
  args.k = k.memory.get();
  args.v = v.memory.get();
  args.out = out.memory.get();
  run(kernels, args, pool);

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

/** q, k and v of so many rows, with room for a result. */
struct Packed {
  Buffer q, k, v, out;

  Packed(const AttentionArgs& args, int64_t rows)
      : q(rows * width(args, args.heads)),
        k(rows * width(args, args.kvHeads)),
        v(rows * width(args, args.kvHeads)),
        out(rows * width(args, args.heads)) {}

  static size_t width(const AttentionArgs& args, int heads) {
    return heads * args.headDim * (args.isBf16 ? sizeof(bf16) : sizeof(float));
  }
  void copyFrom(const Packed& other, const AttentionArgs& args, int64_t from, int64_t to, int64_t rows) {
    const auto copy = [&](const Buffer& source, Buffer& target, int heads) {
      const size_t bytes = width(args, heads);
      std::memcpy(static_cast<char*>(target.memory.get()) + to * bytes,
                  static_cast<const char*>(source.memory.get()) + from * bytes, rows * bytes);
    };
    copy(other.q, q, args.heads);
    copy(other.k, k, args.kvHeads);
    copy(other.v, v, args.kvHeads);
  }
  void run(const Kernels& kernels, AttentionArgs args, const Tree& tree, const std::vector<PanelRoom>& rooms,
           ThreadPool& pool) {
    args.q = q.memory.get();
    args.k = k.memory.get();
    args.v = v.memory.get();
    args.out = out.memory.get();
    args.spans = tree.view();
    args.rows = args.queries = tree.numRows;
    args.rooms = rooms.empty() ? nullptr : rooms.data();
    ::run(kernels, args, pool);
  }
};

/**
 * Keeps some spans of a tree. Then computes a tree that uses the first rows of those in two ways: all of it, and its
 * other spans alone. Returns whether the results have the same bits.
 */
bool checkKept(const Kernels& kernels, ThreadPool& pool) {
  AttentionArgs args = randomShape();
  args.causal = true;
  const Tree whole = randomTree(true);
  Tree cut, rest;
  std::vector<PanelRoom> rooms;
  std::vector<Buffer> memory;
  for (int span = 0; span < static_cast<int>(whole.rows.size()); span++) {
    const bool isKept = between(0, 1) == 1;
    const int rows = isKept ? between(1, whole.rows[span]) : whole.rows[span];
    cut.add(rows, whole.chain(span));
    rest.add(rows, whole.chain(span), isKept);
    rooms.push_back({});
    if (!isKept) continue;
    memory.emplace_back(panelBytes(args.kvHeads, args.headDim, args.isBf16, whole.rows[span]));
    rooms.back() = {memory.back().memory.get(), whole.rows[span]};
  }
  Packed all(args, whole.numRows), inOne(args, cut.numRows), others(args, rest.numRows);
  fill(all.q, whole.numRows * args.heads * args.headDim, args.isBf16, kernels);
  fill(all.k, whole.numRows * args.kvHeads * args.headDim, args.isBf16, kernels);
  fill(all.v, whole.numRows * args.kvHeads * args.headDim, args.isBf16, kernels);
  for (int span = 0; span < static_cast<int>(whole.rows.size()); span++) {
    inOne.copyFrom(all, args, whole.starts[span], cut.starts[span], cut.rows[span]);
    if (rest.kept[span] != kNoNumber) continue;
    others.copyFrom(all, args, whole.starts[span], rest.starts[span], rest.rows[span]);
  }
  all.run(kernels, args, whole, rooms, pool);
  inOne.run(kernels, args, cut, {}, pool);
  others.run(kernels, args, rest, rooms, pool);

  const size_t bytes = Packed::width(args, args.heads);
  bool isSame = true;
  for (int span = 0; span < static_cast<int>(whole.rows.size()); span++) {
    if (rest.kept[span] != kNoNumber) continue;
    isSame = isSame && std::memcmp(static_cast<const char*>(inOne.out.memory.get()) + cut.starts[span] * bytes,
                                   static_cast<const char*>(others.out.memory.get()) + rest.starts[span] * bytes,
                                   rest.rows[span] * bytes) == 0;
  }
  return isSame;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  bool passed = true;
  for (const char* const* name = availableKernels(); *name != nullptr; name++) {
    ThreadPool pool(2);
    double worst = 0;
    bool isSame = true;
    for (int round = 0; round < rounds; round++) {
      worst = std::max(worst, check(*selectKernels(*name), pool));
      isSame = checkKept(*selectKernels(*name), pool) && isSame;
    }
    std::printf("attention %-12s %d shapes, largest difference %.3f of the tolerance, kept spans %s\n", *name, rounds,
                worst, isSame ? "give the same bits" : "DIFFER");
    passed = passed && worst <= 1 && isSame;
  }
  return passed ? 0 : 1;
}
