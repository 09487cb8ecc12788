// A kept span lies in one piece of memory, step after step.

#include "kept.h"

#include <algorithm>
#include <set>
#include <string>

#include "attention_layout.h"
#include "failure.h"

namespace {

std::vector<bool> keepableInputs(const Plan& plan) {
  std::vector<bool> isKeepable(plan.inputs.size(), true);
  for (const Step& step : plan.steps) {
    if (const auto* attention = std::get_if<AttentionStep>(&step)) {
      if (!attention->causal) isKeepable[attention->spans] = false;
    } else if (const auto* mean = std::get_if<MeanStep>(&step)) {
      isKeepable[mean->spans] = false;
    }
  }
  return isKeepable;
}

}  // namespace

KeptSpans::KeptSpans(const Plan& plan) : blockBytes_(plan.inputs.size()), blockBytesBefore_(plan.steps.size()) {
  const std::vector<bool> isKeepable = keepableInputs(plan);
  for (size_t step = 0; step < plan.steps.size(); step++) {
    const auto* s = std::get_if<AttentionStep>(&plan.steps[step]);
    if (s == nullptr || !isKeepable[s->spans]) continue;
    blockBytesBefore_[step] = blockBytes_[s->spans];
    blockBytes_[s->spans] += panelBytes(s->kvHeads, s->headDim, plan.values[s->k].format == Format::bf16, kKeyBlock);
  }
}

int64_t KeptSpans::bytes(int64_t rows) const {
  const auto most = std::max_element(blockBytes_.begin(), blockBytes_.end());
  return most == blockBytes_.end() ? 0 : numKeyBlocks(rows) * *most;
}

void KeptSpans::check(const Plan& plan, const Batch& batch) const {
  std::set<int64_t> fresh;
  for (size_t input = 0; input < batch.size(); input++) {
    const auto fail = [&](size_t span, const char* what) {
      throw Failure(kInputInvalid, "Span " + std::to_string(span) + " of the input " + plan.inputs[input].name + " " +
                                       what + ".");
    };
    const SpanLists& spans = batch[input].spans;
    for (size_t i = 0; i < spans.starts.size(); i++) {
      const auto [keep, kept] = std::pair(spans.keep[i], spans.kept[i]);
      if (keep == kNoNumber && kept == kNoNumber) continue;
      if (blockBytes_[input] == 0) fail(i, "cannot be kept: not only causal attention reads it");
      if (keep != kNoNumber) {
        if (byNumber_.count(keep) > 0 || !fresh.insert(keep).second) fail(i, "is kept under a number that is taken");
        continue;
      }
      const auto found = byNumber_.find(kept);
      const bool isThere = found != byNumber_.end() && found->second.input == static_cast<int>(input);
      if (!isThere) fail(i, "is not among the kept ones");
      if (spans.rows[i] > found->second.rows) fail(i, "has more rows than were kept");
    }
  }
}

KeptByNumber KeptSpans::makeRoom(const Batch& batch) const {
  KeptByNumber fresh;
  for (size_t input = 0; input < batch.size(); input++) {
    const SpanLists& spans = batch[input].spans;
    for (size_t i = 0; i < spans.starts.size(); i++) {
      if (spans.keep[i] == kNoNumber) continue;
      Mapping memory = Mapping::room(numKeyBlocks(spans.rows[i]) * blockBytes_[input]);
      fresh.emplace(spans.keep[i], KeptSpan{static_cast<int>(input), spans.rows[i], std::move(memory)});
    }
  }
  return fresh;
}

std::vector<PanelRoom> KeptSpans::rooms(int step, int input, const SpanLists& spans, const KeptByNumber& fresh) const {
  std::vector<PanelRoom> rooms;
  if (blockBytes_[input] == 0) return rooms;
  const auto roomIn = [&](const KeptSpan& span) -> PanelRoom {
    return {span.memory.data() + numKeyBlocks(span.rows) * blockBytesBefore_[step], span.rows};
  };
  for (size_t i = 0; i < spans.starts.size(); i++) {
    const bool isFresh = spans.keep[i] != kNoNumber;
    const bool isKept = spans.kept[i] != kNoNumber;
    rooms.push_back(isFresh  ? roomIn(fresh.at(spans.keep[i]))
                    : isKept ? roomIn(byNumber_.at(spans.kept[i]))
                             : PanelRoom{});
  }
  return rooms;
}
