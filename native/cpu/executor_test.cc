// Loads and runs random plans without Node, on several threads: the parts that sanitizers should see alone.
// `executor_test [seed]` exits with 1 when a result is further off than its tolerance.

#include "executor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <thread>

#include "failure.h"

namespace {

int numFailed = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("FAILED: %s\n", what);
  numFailed++;
}

class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator_); }
  std::vector<float> floats(int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = std::uniform_real_distribution<float>(-1, 1)(generator_);
    return values;
  }

 private:
  std::mt19937 generator_;
};

void testThreadPool() {
  ThreadPool pool(4);
  for (int count = 0; count < 200; count++) {
    std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
    pool.parallelFor(count, [&](int64_t index, int thread) {
      expect(thread >= 0 && thread < pool.threads(), "threads are numbered");
      calls[index]++;
    });
    for (const auto& called : calls) expect(called == 1, "every index is called once");
    bool isThrown = false;
    try {
      pool.parallelFor(count + 1, [&](int64_t index, int) {
        if (index == count / 2) throw std::runtime_error("on purpose");
      });
    } catch (const std::runtime_error&) {
      isThrown = true;
    }
    expect(isThrown, "an exception reaches the caller");
    if (count % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // so that workers fall asleep
  }
}

/** x -> linear with bias -> quantized or converted -> linear. */
struct Chain {
  int64_t rows, width, middle, out;
  std::vector<float> x, first, bias, second;
  Plan plan;

  Chain(Random& random, Format format)
      : rows(random.between(0, 70)),
        width(random.between(1, 200)),
        middle(random.between(1, 120)),
        out(random.between(1, 120)),
        x(random.floats(rows * width)),
        first(random.floats(middle * width)),
        bias(random.floats(middle)),
        second(random.floats(out * middle)) {
    plan.rowNames = {"rows"};
    plan.values = {{0, width, Format::f32, 0},
                   {0, width, format, 1},
                   {0, middle, Format::f32, 2},
                   {0, middle, format, 3},
                   {0, out, Format::f32, 4}};
    plan.inputs.push_back({"x", InputKind::floats, 0});
    plan.weights = {matrix("first", format, {middle, width}, first),
                    {"bias", WeightKind::vector, Format::f32, {middle}, {"", 0, SourceType::f32, bias.data(), middle}},
                    matrix("second", format, {out, middle}, second)};
    plan.steps = {ConvertStep{0, 1}, LinearStep{1, 0, 1, kActivationNone, kNone, 2}, ConvertStep{2, 3},
                  LinearStep{3, 2, kNone, kActivationNone, kNone, 4}};
    plan.outputs = {{"out", 4}};
  }

  static PlanWeight matrix(const char* name, Format format, std::vector<int64_t> shape,
                           const std::vector<float>& values) {
    const auto count = static_cast<int64_t>(values.size());
    return {name, WeightKind::linear, format, std::move(shape), {"", 0, SourceType::f32, values.data(), count}};
  }

  std::vector<double> expected() const {
    const std::vector<double> hidden = multiply({x.begin(), x.end()}, first, width, middle, bias.data());
    return multiply(hidden, second, middle, out, nullptr);
  }

  std::vector<double> multiply(const std::vector<double>& from, const std::vector<float>& weight, int64_t inputs,
                               int64_t outputs, const float* added) const {
    std::vector<double> result(static_cast<size_t>(rows * outputs));
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t column = 0; column < outputs; column++) {
        double sum = added == nullptr ? 0 : added[column];
        for (int64_t i = 0; i < inputs; i++) sum += from[row * inputs + i] * weight[column * inputs + i];
        result[row * outputs + column] = sum;
      }
    }
    return result;
  }
};

void testChain(Random& random, const Kernels& kernels, Format format) {
  const Chain chain(random, format);
  const std::atomic<bool> isCancelled{false};
  const std::string cacheFile = random.between(0, 3) == 0 ? "/tmp/qvl-executor-test.pack" : "";
  Executor executor(chain.plan, kernels, {random.between(1, 5), cacheFile, isCancelled});
  const std::vector<double> expected = chain.expected();
  // Of the largest number: the rounding of two products.
  const double tolerance = format == Format::f32 ? 1e-5 : format == Format::bf16 ? 3e-2 : 6e-2;
  double largest = 1;
  for (const double value : expected) largest = std::max(largest, std::fabs(value));
  Batch batch(1);
  batch[0].floats = chain.x;
  for (int round = 0; round < 2; round++) {
    const std::vector<RunOutput> outputs = executor.run(batch, isCancelled);
    expect(outputs[0].data.size() == expected.size(), "the result has the rows of the input");
    for (size_t i = 0; i < expected.size(); i++) {
      expect(std::fabs(outputs[0].data[i] - expected[i]) <= tolerance * largest, "the result is within its tolerance");
    }
  }
}

/** A cancel and statistics from another thread, as the binding does. */
void testCancel(Random& random, const Kernels& kernels) {
  const Chain chain(random, Format::f32);
  std::atomic<bool> isCancelled{false};
  Executor executor(chain.plan, kernels, {3, "", isCancelled});
  Batch batch(1);
  batch[0].floats = chain.x;
  std::thread other([&] {
    for (int i = 0; i < 10; i++) expect(executor.statistics().totalSeconds >= 0, "statistics can be read");
    isCancelled = true;
  });
  try {
    while (true) executor.run(batch, isCancelled);
  } catch (const Failure& failure) {
    expect(std::string(failure.code()) == kCancelled, "a cancelled run says so");
  }
  other.join();
}

/** Two attentions in a row over values that the batch gives. */
struct Attentions {
  static constexpr int kHeads = 2;
  static constexpr int kHeadDim = 8;
  Plan plan;

  Attentions() {
    const int64_t width = kHeads * kHeadDim;
    plan.rowNames = {"rows"};
    plan.values = {{0, width, Format::f32, 2}, {0, width, Format::f32, 1}, {0, width, Format::f32, 2}};
    plan.inputs.push_back({"x", InputKind::floats, 0});
    plan.inputs.push_back({"spans", InputKind::spans});
    for (int out = 1; out <= 2; out++) {
      plan.steps.push_back(AttentionStep{out - 1, 0, 0, 1, kNone, kHeads, kHeads, kHeadDim, true, 0.5f, out});
    }
    plan.outputs = {{"out", 2}};
  }

  /** Rows from `first` on of a long text of `x`. */
  static Batch batch(const std::vector<float>& x, int64_t first, SpanLists spans) {
    Batch batch(2);
    batch[0].floats.assign(x.begin() + first * kHeads * kHeadDim, x.end());
    batch[1].spans = std::move(spans);
    return batch;
  }
};

/** Spans of which the second sees the first, whose numbers are those given. */
SpanLists twoSpans(int first, int second, int64_t keep, int64_t kept) {
  const bool isKept = kept != kNoNumber;
  return {{0, isKept ? 0 : first}, {first, second}, {0, 0, 1}, {0}, {keep, kNoNumber}, {kept, kNoNumber}};
}

void testKept(Random& random, const Kernels& kernels) {
  const std::atomic<bool> isCancelled{false};
  const std::atomic<bool> isAtOnce{true};
  const Attentions attentions;
  Executor executor(attentions.plan, kernels, {2, "", isCancelled});
  const int first = random.between(1, 150);
  const int second = random.between(1, 60);
  const std::vector<float> x = random.floats(int64_t{first + second} * Attentions::kHeads * Attentions::kHeadDim);
  const auto run = [&](int skipped, SpanLists spans, const std::atomic<bool>& isStopped) -> std::vector<float> {
    try {
      return executor.run(Attentions::batch(x, skipped, std::move(spans)), isStopped)[0].data;
    } catch (const Failure&) {
      return {};
    }
  };
  const auto fails = [&](int64_t keep, int64_t kept, int rows) {
    return run(kept == kNoNumber ? 0 : first, twoSpans(rows, second, keep, kept), isCancelled).empty();
  };
  expect(run(0, twoSpans(first, second, 7, kNoNumber), isAtOnce).empty(), "the run is cancelled");
  expect(fails(kNoNumber, 7, first), "a cancelled run keeps nothing");
  const std::vector<float> whole = run(0, twoSpans(first, second, 7, kNoNumber), isCancelled);
  const std::vector<float> rest = run(first, twoSpans(first, second, kNoNumber, 7), isCancelled);
  expect(!rest.empty() && std::equal(rest.rbegin(), rest.rend(), whole.rbegin()), "a kept span is as good as computed");
  expect(fails(7, kNoNumber, first), "a number is taken once");
  expect(fails(0, kNoNumber, first) && fails(-2, kNoNumber, first), "numbers are positive");
  expect(fails(kNoNumber, 8, first), "a number that is not there is refused");
  expect(fails(kNoNumber, 7, first + 1), "no more rows are seen than are kept");
  executor.forget(8);
  executor.forget(7);
  expect(fails(kNoNumber, 7, first), "a forgotten span is gone");
  const int64_t perStep = panelBytes(Attentions::kHeads, Attentions::kHeadDim, false, first);
  expect(executor.keptBytes(first) == 2 * perStep, "a kept span takes the panels of every attention");
}

}  // namespace

int main(int numArguments, char** arguments) {
  const unsigned seed = numArguments > 1 ? static_cast<unsigned>(std::strtoul(arguments[1], nullptr, 10)) : 1;
  Random random(seed);
  testThreadPool();
  for (const char* const* name = availableKernels(); *name != nullptr; name++) {
    const Kernels& kernels = *selectKernels(*name);
    for (int round = 0; round < 40; round++) {
      for (const Format format : {Format::f32, Format::bf16, Format::i8}) testChain(random, kernels, format);
    }
    testCancel(random, kernels);
    for (int round = 0; round < 10; round++) testKept(random, kernels);
  }
  std::remove("/tmp/qvl-executor-test.pack");
  std::printf("seed %u: %s\n", seed, numFailed == 0 ? "all within their tolerance" : "FAILED");
  return numFailed == 0 ? 0 : 1;
}
