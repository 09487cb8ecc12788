// A plan as the executor runs it; the same as `Plan` in src/devices/cpu/native.ts, with names resolved to numbers.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "formats.h"

/** An optional value or weight that a step does without. */
constexpr int kNone = -1;

struct EmbedStep {
  int ids, table, out;
};
struct NormStep {
  bool isLayerNorm;
  int x, weight, bias;
  float eps;
  int out;
};
/** activation(x W^T + bias) + residual */
struct LinearStep {
  int x, weight, bias;
  Activation activation;
  int residual, out;
};
/** silu(x gate^T) * (x up^T) */
struct SwigluLinearStep {
  int x, gate, up, out;
};
/** Norm of each head (with a weight), then rotation of each head (with cos and sin). */
struct HeadRotaryStep {
  int x, weight;
  float eps;
  int cos, sin, headDim, out;
};
/** `spans` is an index into Plan::inputs. */
struct AttentionStep {
  int q, k, v, spans, queryRows, heads, kvHeads, headDim;
  bool causal;
  float scale;
  int out;
};
struct GatherStep {
  int x, rows, out;
};
/** x with y[i] put at, or added to, row rows[i]. */
struct PlaceStep {
  bool adds;
  int x, rows, y, out;
};
struct SwigluStep {
  int gate, up, out;
};
struct AddStep {
  int a, b, out;
};
struct ScaleStep {
  int x;
  float factor;
  int out;
};
struct MeanStep {
  int x, spans, out;
};
struct NormalizeStep {
  int x, out;
};
struct ConvertStep {
  int x, out;
};

using Step = std::variant<EmbedStep, NormStep, LinearStep, SwigluLinearStep, HeadRotaryStep, AttentionStep, GatherStep,
                          PlaceStep, SwigluStep, AddStep, ScaleStep, MeanStep, NormalizeStep, ConvertStep>;

struct PlanValue {
  int rows;  // index into Plan::rowNames
  int64_t width;
  Format format;
  int lastUse;
};

enum class WeightKind { linear, vector, table };

/** Numbers that the caller owns and keeps alive, or a place in a file. */
struct WeightSource {
  std::string file;
  int64_t offset = 0;
  SourceType type = SourceType::f32;
  const float* data = nullptr;
  int64_t count = 0;  // of data
};

struct PlanWeight {
  std::string name;
  WeightKind kind;
  Format format;
  std::vector<int64_t> shape;
  WeightSource source;
};

/** Rows and columns of a weight; a vector is one row. */
inline int64_t weightRows(const PlanWeight& weight) { return weight.shape.size() == 2 ? weight.shape[0] : 1; }
inline int64_t weightColumns(const PlanWeight& weight) { return weight.shape.back(); }

enum class InputKind { floats, integers, spans };

struct PlanInput {
  std::string name;
  InputKind kind;
  int value = kNone;  // floats and integers
  int rows = kNone;   // spans: the row count that the number of spans gives
};

struct PlanOutput {
  std::string name;
  int value;
};

struct Plan {
  std::vector<std::string> rowNames;
  std::vector<PlanValue> values;
  std::vector<Step> steps;
  std::vector<PlanWeight> weights;
  std::vector<PlanInput> inputs;
  std::vector<PlanOutput> outputs;
};
