// Which values a step reads and writes.
#pragma once

#include "plan.h"

/** The value that a step writes. */
inline int valueWritten(const Step& step) {
  return std::visit([](const auto& s) { return s.out; }, step);
}

template <typename Read>
struct ReadVisitor {
  const Read& read;
  void maybe(int value) const {
    if (value != kNone) read(value);
  }
  void operator()(const EmbedStep& s) const { read(s.ids); }
  void operator()(const NormStep& s) const { read(s.x); }
  void operator()(const LinearStep& s) const {
    read(s.x);
    maybe(s.residual);
  }
  void operator()(const SwigluLinearStep& s) const { read(s.x); }
  void operator()(const HeadRotaryStep& s) const {
    read(s.x);
    maybe(s.cos);
    maybe(s.sin);
  }
  void operator()(const AttentionStep& s) const {
    read(s.q);
    read(s.k);
    read(s.v);
    maybe(s.queryRows);
  }
  void operator()(const GatherStep& s) const {
    read(s.x);
    read(s.rows);
  }
  void operator()(const PlaceStep& s) const {
    read(s.x);
    read(s.rows);
    read(s.y);
  }
  void operator()(const SwigluStep& s) const {
    read(s.gate);
    read(s.up);
  }
  void operator()(const AddStep& s) const {
    read(s.a);
    read(s.b);
  }
  void operator()(const ScaleStep& s) const { read(s.x); }
  void operator()(const MeanStep& s) const { read(s.x); }
  void operator()(const NormalizeStep& s) const { read(s.x); }
  void operator()(const ConvertStep& s) const { read(s.x); }
};
/** Calls `read(value)` for every value that a step reads. */
template <typename Read>
void forEachRead(const Step& step, const Read& read) {
  std::visit(ReadVisitor<Read>{read}, step);
}
