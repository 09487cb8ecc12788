// Reads plans and batches field by field.

#include "read_plan.h"

#include <utility>

namespace {

Activation readActivation(const Reader& reader, const std::string& name) {
  if (name == "none") return kActivationNone;
  if (name == "gelu_erf") return kActivationGeluErf;
  if (name == "gelu_tanh") return kActivationGeluTanh;
  if (name == "silu") return kActivationSilu;
  if (name == "tanh") return kActivationTanh;
  reader.fail("There is no activation " + name);
}

SourceType readSourceType(const Reader& reader, const std::string& name) {
  if (name == "F32") return SourceType::f32;
  if (name == "F16") return SourceType::f16;
  if (name == "BF16") return SourceType::bf16;
  reader.fail("There is no weight type " + name);
}

WeightKind readWeightKind(const Reader& reader, const std::string& name) {
  if (name == "linear") return WeightKind::linear;
  if (name == "vector") return WeightKind::vector;
  if (name == "table") return WeightKind::table;
  reader.fail("There is no weight kind " + name);
}

InputKind readInputKind(const Reader& reader, const std::string& name) {
  if (name == "f32") return InputKind::floats;
  if (name == "i32") return InputKind::integers;
  if (name == "spans") return InputKind::spans;
  reader.fail("There is no input kind " + name);
}

/** Reads one step after the other; spans are found by name among the plan's inputs. */
class StepReader {
 public:
  StepReader(const Reader& reader, const Plan& plan) : reader_(reader), plan_(plan) {}

  Step read(napi_value s) const {
    const std::string kind = reader_.text(s, "kind");
    if (kind == "embed") return EmbedStep{at(s, "ids"), at(s, "table"), at(s, "out")};
    if (kind == "norm") return norm(s);
    if (kind == "linear") return linear(s);
    if (kind == "swigluLinear") return SwigluLinearStep{at(s, "x"), at(s, "gate"), at(s, "up"), at(s, "out")};
    if (kind == "headRotary") return headRotary(s);
    if (kind == "attention") return attention(s);
    if (kind == "gatherRows") return GatherStep{at(s, "x"), at(s, "rows"), at(s, "out")};
    if (kind == "scatterRows") return PlaceStep{false, at(s, "x"), at(s, "rows"), at(s, "y"), at(s, "out")};
    if (kind == "addRows") return PlaceStep{true, at(s, "x"), at(s, "rows"), at(s, "y"), at(s, "out")};
    if (kind == "swiglu") return SwigluStep{at(s, "gate"), at(s, "up"), at(s, "out")};
    if (kind == "add") return AddStep{at(s, "a"), at(s, "b"), at(s, "out")};
    if (kind == "scale") return ScaleStep{at(s, "x"), number(s, "factor"), at(s, "out")};
    if (kind == "mean") return MeanStep{at(s, "x"), spans(s), at(s, "out")};
    if (kind == "normalize") return NormalizeStep{at(s, "x"), at(s, "out")};
    if (kind == "convert") return ConvertStep{at(s, "x"), at(s, "out")};
    reader_.fail("There is no step " + kind);
  }

 private:
  int at(napi_value s, const char* name) const { return reader_.index(s, name); }
  int optionally(napi_value s, const char* name) const { return reader_.optionalIndex(s, name); }
  float number(napi_value s, const char* name) const { return static_cast<float>(reader_.number(s, name)); }

  int spans(napi_value s) const {
    const std::string name = reader_.text(s, "spans");
    for (size_t index = 0; index < plan_.inputs.size(); index++) {
      if (plan_.inputs[index].name == name) return static_cast<int>(index);
    }
    reader_.fail("There is no input " + name);
  }

  Step norm(napi_value s) const {
    const std::string norm = reader_.text(s, "norm");
    if (norm != "rms" && norm != "layer") reader_.fail("There is no norm " + norm);
    return NormStep{norm == "layer", at(s, "x"), at(s, "weight"), optionally(s, "bias"), number(s, "eps"),
                    at(s, "out")};
  }

  Step linear(napi_value s) const {
    return LinearStep{at(s, "x"),
                      at(s, "weight"),
                      optionally(s, "bias"),
                      readActivation(reader_, reader_.text(s, "activation")),
                      optionally(s, "residual"),
                      at(s, "out")};
  }

  Step headRotary(napi_value s) const {
    return HeadRotaryStep{at(s, "x"),          optionally(s, "weight"), number(s, "eps"), optionally(s, "cos"),
                          optionally(s, "sin"), at(s, "headDim"),        at(s, "out")};
  }

  Step attention(napi_value s) const {
    return AttentionStep{at(s, "q"),
                         at(s, "k"),
                         at(s, "v"),
                         spans(s),
                         optionally(s, "queryRows"),
                         at(s, "heads"),
                         at(s, "kvHeads"),
                         at(s, "headDim"),
                         reader_.boolean(s, "causal"),
                         number(s, "scale"),
                         at(s, "out")};
  }

  const Reader& reader_;
  const Plan& plan_;
};

PlanWeight readWeight(const Reader& reader, napi_value w, std::vector<napi_ref>& arrays) {
  PlanWeight weight;
  weight.name = reader.text(w, "name");
  weight.kind = readWeightKind(reader, reader.text(w, "kind"));
  weight.format = readFormat(reader, reader.text(w, "format"));
  reader.forEach(w, "shape", [&](napi_value axis) {
    weight.shape.push_back(reader.asInteger(axis, "An axis of a shape"));
  });
  const napi_value source = reader.get(w, "source");
  if (reader.has(source, "data")) {
    const napi_value data = reader.get(source, "data");
    const Reader::Floats floats = reader.floats(data, "The weight " + weight.name);
    if (floats.count == 0) reader.fail("The weight " + weight.name + " is empty");
    weight.source.data = floats.data;
    weight.source.count = floats.count;
    napi_ref kept;
    check(reader.env(), napi_create_reference(reader.env(), data, 1, &kept));
    arrays.push_back(kept);
  } else {
    weight.source.file = reader.text(source, "file");
    weight.source.offset = reader.integer(source, "offset");
    weight.source.type = readSourceType(reader, reader.text(source, "dtype"));
  }
  return weight;
}

SpanLists readSpans(const Reader& reader, napi_value value, const std::string& name) {
  const auto list = [&](const char* part) { return reader.integers(reader.get(value, part), name + "." + part); };
  const auto numbers = [&](const char* part) {
    return reader.longIntegers(reader.get(value, part), name + "." + part);
  };
  return {list("starts"), list("rows"), list("chainOffsets"), list("chains"), numbers("keep"), numbers("kept")};
}

}  // namespace

Format readFormat(const Reader& reader, const std::string& name) {
  if (name == "f32") return Format::f32;
  if (name == "bf16") return Format::bf16;
  if (name == "i8") return Format::i8;
  reader.fail("There is no format " + name);
}

Plan readPlan(const Reader& reader, napi_value p, std::vector<napi_ref>& arrays) {
  Plan plan;
  reader.forEach(p, "rowNames", [&](napi_value name) { plan.rowNames.push_back(reader.asText(name, "A row name")); });
  reader.forEach(p, "values", [&](napi_value v) {
    plan.values.push_back({reader.index(v, "rows"), reader.integer(v, "width"),
                           readFormat(reader, reader.text(v, "format")), reader.index(v, "lastUse")});
  });
  reader.forEach(p, "weights", [&](napi_value w) { plan.weights.push_back(readWeight(reader, w, arrays)); });
  reader.forEach(p, "inputs", [&](napi_value i) {
    PlanInput input{reader.text(i, "name"), readInputKind(reader, reader.text(i, "kind"))};
    if (input.kind == InputKind::spans) {
      input.rows = reader.index(i, "rows");
    } else {
      input.value = reader.index(i, "value");
    }
    plan.inputs.push_back(std::move(input));
  });
  const StepReader steps(reader, plan);
  reader.forEach(p, "steps", [&](napi_value s) { plan.steps.push_back(steps.read(s)); });
  reader.forEach(p, "outputs", [&](napi_value o) {
    plan.outputs.push_back({reader.text(o, "name"), reader.index(o, "value")});
  });
  return plan;
}

Batch readBatch(const Reader& reader, const Plan& plan, napi_value inputs) {
  Batch batch(plan.inputs.size());
  for (size_t index = 0; index < plan.inputs.size(); index++) {
    const std::string& name = plan.inputs[index].name;
    if (!reader.has(inputs, name.c_str())) reader.fail("The input " + name + " is missing");
    const napi_value value = reader.get(inputs, name.c_str());
    if (plan.inputs[index].kind == InputKind::spans) {
      batch[index].spans = readSpans(reader, value, "The input " + name);
    } else if (plan.inputs[index].kind == InputKind::integers) {
      batch[index].integers = reader.integers(value, "The input " + name);
    } else {
      const Reader::Floats floats = reader.floats(value, "The input " + name);
      batch[index].floats.assign(floats.data, floats.data + floats.count);
    }
  }
  return batch;
}
