// Checks a run's inputs against the plan and against each other.

#include "batch.h"

#include <string>

#include "failure.h"

namespace {

constexpr int64_t kUnknown = -1;

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw Failure(kInputInvalid, "The input " + name + " " + what + ".");
}

/** A span is kept or was, under a positive number. One that was has no rows here, and nothing before it. */
void checkNumbers(const std::string& name, const SpanLists& spans) {
  if (spans.keep.size() != spans.starts.size() || spans.kept.size() != spans.starts.size()) {
    fail(name, "has lists of unequal lengths");
  }
  for (size_t i = 0; i < spans.starts.size(); i++) {
    for (const int64_t number : {spans.keep[i], spans.kept[i]}) {
      if (number != kNoNumber && number < 1) fail(name, "has a number to keep that is not positive");
    }
    if (spans.kept[i] == kNoNumber) continue;
    const bool hasChain = spans.chainOffsets[i] != spans.chainOffsets[i + 1];
    const bool isWhole = spans.keep[i] == kNoNumber && spans.starts[i] == 0 && spans.rows[i] > 0 && !hasChain;
    if (!isWhole) fail(name, "has a kept span with a start, a chain, no rows or a new number");
  }
}

/** Chains name earlier spans, and lie one after the other. */
void checkSpans(const std::string& name, const SpanLists& spans) {
  const size_t count = spans.starts.size();
  if (spans.rows.size() != count || spans.chainOffsets.size() != count + 1) fail(name, "has lists of unequal lengths");
  const std::vector<int32_t>& offsets = spans.chainOffsets;
  if (offsets.front() != 0 || offsets.back() != static_cast<int64_t>(spans.chains.size())) {
    fail(name, "has chains that do not fill their list");
  }
  for (size_t i = 0; i < count; i++) {
    if (offsets[i] > offsets[i + 1]) fail(name, "has chains that overlap");
  }
  for (size_t i = 0; i < count; i++) {
    for (int32_t at = offsets[i]; at < offsets[i + 1]; at++) {
      const bool isEarlier = spans.chains[at] >= 0 && static_cast<size_t>(spans.chains[at]) < i;
      if (!isEarlier) fail(name, "has a chain that looks ahead");
    }
  }
  checkNumbers(name, spans);
}

int64_t rowsOf(const Plan& plan, const PlanInput& input, const BatchInput& given) {
  if (input.kind == InputKind::spans) return static_cast<int64_t>(given.spans.starts.size());
  const int64_t width = plan.values[input.value].width;
  const auto length =
      static_cast<int64_t>(input.kind == InputKind::floats ? given.floats.size() : given.integers.size());
  if (length % width != 0) {
    fail(input.name, "has " + std::to_string(length) + " numbers, not rows of " + std::to_string(width));
  }
  return length / width;
}

}  // namespace

std::vector<int64_t> countRows(const Plan& plan, const Batch& batch) {
  std::vector<int64_t> counts(plan.rowNames.size(), kUnknown);
  for (size_t index = 0; index < plan.inputs.size(); index++) {
    const PlanInput& input = plan.inputs[index];
    if (input.kind == InputKind::spans) checkSpans(input.name, batch[index].spans);
    const int named = input.kind == InputKind::spans ? input.rows : plan.values[input.value].rows;
    if (named == kNone) continue;
    const int64_t rows = rowsOf(plan, input, batch[index]);
    if (rows > kMaxRows) fail(input.name, "has too many rows");
    if (counts[named] != kUnknown && counts[named] != rows) {
      fail(input.name, "has " + std::to_string(rows) + " rows, where another input has " +
                           std::to_string(counts[named]) + " " + plan.rowNames[named]);
    }
    counts[named] = rows;
  }
  return counts;
}

void checkCover(const Spans& spans, int64_t rows) {
  int64_t next = 0;
  for (int i = 0; i < spans.count; i++) {
    if (spans.isKept(i)) continue;
    if (spans.starts[i] != next || spans.rows[i] < 1) {
      throw Failure(kInputInvalid, "Span " + std::to_string(i) + " does not begin where the one before it ends.");
    }
    next += spans.rows[i];
  }
  if (next == rows) return;
  throw Failure(kInputInvalid,
                "The spans cover " + std::to_string(next) + " rows where there are " + std::to_string(rows) + ".");
}
