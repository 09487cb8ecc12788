// The rules of a plan: first its tables, then its steps in order.

#include "validate.h"

#include <string>
#include <vector>

#include "failure.h"
#include "reads.h"

namespace {

/** Widths, vocabularies and inputs larger than this are mistakes; products of two of them cannot overflow. */
constexpr int64_t kMaxExtent = int64_t{1} << 28;
/** With more columns, an int8 product of largest numbers could overflow its 32-bit sum. */
constexpr int64_t kMaxInt8Columns = 65536;

class Checker {
 public:
  explicit Checker(const Plan& plan) : plan_(plan), isWritten_(plan.values.size()), isInteger_(plan.values.size()) {}

  void check() {
    for (const PlanValue& value : plan_.values) checkValue(value);
    for (const PlanWeight& weight : plan_.weights) checkWeight(weight);
    for (const PlanInput& input : plan_.inputs) checkInput(input);
    checkRowNames();
    for (step_ = 0; step_ < numSteps(); step_++) checkStep(plan_.steps[step_]);
    for (const PlanOutput& output : plan_.outputs) checkOutput(output);
  }

  void operator()(const EmbedStep& s) {
    integers(s.ids);
    const PlanWeight& table = weight(s.table, WeightKind::table);
    require(weightColumns(table) == value(s.out).width, "the table is as wide as the result");
    sameRows(s.ids, s.out);
  }
  void operator()(const NormStep& s) {
    floats(s.x);
    sameShape(s.x, s.out);
    vector(s.weight, value(s.x).width);
    if (s.isLayerNorm) vector(s.bias, value(s.x).width);
  }
  void operator()(const LinearStep& s) {
    linear(s.x, s.weight, s.out);
    if (s.bias != kNone) vector(s.bias, value(s.out).width);
    require(s.activation >= kActivationNone && s.activation <= kActivationTanh, "the activation is known");
    if (s.residual == kNone) return;
    floats(s.residual);
    sameShape(s.residual, s.out);
    require(value(s.out).format == Format::f32, "a sum with a residual is f32");
  }
  void operator()(const SwigluLinearStep& s) {
    linear(s.x, s.gate, s.out);
    linear(s.x, s.up, s.out);
  }
  void operator()(const HeadRotaryStep& s) {
    floats(s.x);
    sameShape(s.x, s.out);
    require(s.headDim > 0 && value(s.x).width % s.headDim == 0, "the width is whole heads");
    if (s.weight != kNone) vector(s.weight, s.headDim);
    require((s.cos == kNone) == (s.sin == kNone), "cos and sin come together");
    if (s.cos == kNone) return;
    require(s.headDim % 2 == 0, "heads that rotate are even");
    for (const int table : {s.cos, s.sin}) {
      floats(table);
      sameRows(table, s.x);
      require(value(table).width == s.headDim / 2, "cos and sin are headDim/2 wide");
    }
  }
  void operator()(const AttentionStep& s) {
    require(s.heads > 0 && s.kvHeads > 0 && s.heads % s.kvHeads == 0, "heads are a multiple of kvHeads");
    require(s.headDim > 0 && s.headDim % 2 == 0, "headDim is even");
    require(s.scale >= 0, "the scale is not negative");
    const int64_t width = int64_t{s.heads} * s.headDim;
    const int64_t kvWidth = int64_t{s.kvHeads} * s.headDim;
    require(value(s.q).width == width, "q is heads x headDim wide");
    require(value(s.k).width == kvWidth && value(s.v).width == kvWidth, "k and v are kvHeads x headDim wide");
    const Format format = value(s.q).format;
    require(format != Format::i8 && value(s.k).format == format && value(s.v).format == format,
            "q, k and v are all f32 or all bf16");
    require(!isInteger_[s.q] && !isInteger_[s.k] && !isInteger_[s.v], "q, k and v are numbers");
    require(value(s.out).format != Format::i8, "the result is f32 or bf16");
    sameRows(s.k, s.v);
    sameShape(s.q, s.out);
    spans(s.spans);
    if (s.queryRows == kNone) {
      sameRows(s.q, s.k);
    } else {
      integers(s.queryRows);
      sameRows(s.q, s.queryRows);
    }
  }
  void operator()(const GatherStep& s) {
    require(!isInteger_[s.x], "what is gathered are numbers");
    integers(s.rows);
    const int64_t count = value(s.out).width / value(s.x).width;
    require(count >= 1 && count * value(s.x).width == value(s.out).width, "what is gathered is whole rows");
    require(count == 1 || value(s.x).format != Format::i8, "rows side by side have one scale");
    require(value(s.x).format == value(s.out).format, "formats are equal");
    sameRows(s.rows, s.out);
  }
  void operator()(const PlaceStep& s) {
    floats(s.x);
    floats(s.y);
    floats(s.out);
    integers(s.rows);
    sameShape(s.x, s.out);
    require(value(s.y).width == value(s.x).width, "widths are equal");
    sameRows(s.rows, s.y);
  }
  void operator()(const SwigluStep& s) {
    floats(s.gate);
    floats(s.up);
    sameShape(s.gate, s.up);
    sameShape(s.gate, s.out);
  }
  void operator()(const AddStep& s) {
    floats(s.a);
    floats(s.b);
    sameShape(s.a, s.b);
    sameShape(s.a, s.out);
  }
  void operator()(const ScaleStep& s) {
    floats(s.x);
    sameShape(s.x, s.out);
  }
  void operator()(const MeanStep& s) {
    floats(s.x);
    spans(s.spans);
    require(value(s.x).width == value(s.out).width, "widths are equal");
    require(plan_.inputs[s.spans].rows == value(s.out).rows, "the result has a row per span");
  }
  void operator()(const NormalizeStep& s) {
    floats(s.x);
    sameShape(s.x, s.out);
  }
  void operator()(const ConvertStep& s) {
    require(!isInteger_[s.x], "what is converted are numbers");
    sameShape(s.x, s.out);
  }

 private:
  int numSteps() const { return static_cast<int>(plan_.steps.size()); }

  [[noreturn]] void fail(const std::string& what) const {
    const std::string where = step_ < 0 ? "" : " at step " + std::to_string(step_);
    throw Failure(kPlanInvalid, "The plan is wrong" + where + ": " + what + ".");
  }
  void require(bool holds, const char* rule) const {
    if (!holds) fail(std::string("it must hold that ") + rule);
  }

  void checkValue(const PlanValue& value) const {
    require(value.rows >= 0 && value.rows < static_cast<int>(plan_.rowNames.size()), "row counts have names");
    require(value.width > 0 && value.width <= kMaxExtent, "widths are positive");
  }

  void checkWeight(const PlanWeight& weight) const {
    const size_t axes = weight.kind == WeightKind::vector ? 1 : 2;
    require(weight.shape.size() == axes, "vectors have one axis, other weights two");
    for (const int64_t axis : weight.shape) require(axis > 0 && axis <= kMaxExtent, "axes are positive");
    const int64_t count = weightRows(weight) * weightColumns(weight);
    const bool isInFile = weight.source.data == nullptr;
    require(isInFile || weight.source.count == count, "weights in memory have as many numbers as their shape");
    require(!isInFile || (!weight.source.file.empty() && weight.source.offset >= 0), "weights lie in a file");
    require(weight.kind == WeightKind::linear || weight.format == Format::f32, "only linear weights are converted");
    if (weight.kind == WeightKind::linear && weight.format == Format::i8) {
      require(weightColumns(weight) <= kMaxInt8Columns, "int8 weights have at most 65536 columns");
    }
  }

  void checkInput(const PlanInput& input) {
    if (input.kind == InputKind::spans) {
      require(input.rows == kNone || (input.rows >= 0 && input.rows < static_cast<int>(plan_.rowNames.size())),
              "spans count named rows or none");
      return;
    }
    const PlanValue& input_value = value(input.value);
    require(!isWritten_[input.value], "an input's value has no other source");
    require(input_value.format == Format::f32, "inputs are not converted");
    require(input.kind == InputKind::floats || input_value.width == 1, "integers are one to a row");
    isWritten_[input.value] = true;
    isInteger_[input.value] = input.kind == InputKind::integers;
  }

  void checkRowNames() const {
    std::vector<bool> isCounted(plan_.rowNames.size());
    for (const PlanInput& input : plan_.inputs) {
      const int rows = input.kind == InputKind::spans ? input.rows : plan_.values[input.value].rows;
      if (rows != kNone) isCounted[rows] = true;
    }
    for (const bool counted : isCounted) require(counted, "an input tells every row count");
  }

  void checkStep(const Step& step) {
    forEachRead(step, [this](int index) {
      require(value(index).lastUse >= step_, "values are kept until their last use");
      require(isWritten_[index], "values are written before they are read");
    });
    const int out = valueWritten(step);
    require(value(out).lastUse >= step_ && value(out).lastUse <= numSteps(), "a result has a last use");
    require(!isWritten_[out], "values are written once");
    std::visit(*this, step);
    isWritten_[out] = true;
  }

  void checkOutput(const PlanOutput& output) {
    step_ = -1;
    floats(output.value);
    require(isWritten_[output.value], "outputs are computed");
    require(value(output.value).lastUse == numSteps(), "outputs are kept until the end");
  }

  const PlanValue& value(int index) const {
    require(index >= 0 && index < static_cast<int>(plan_.values.size()), "values exist");
    return plan_.values[index];
  }

  const PlanWeight& weight(int index, WeightKind kind) const {
    require(index >= 0 && index < static_cast<int>(plan_.weights.size()), "weights exist");
    require(plan_.weights[index].kind == kind, "weights are of the kind that the step needs");
    return plan_.weights[index];
  }
  void vector(int index, int64_t width) const {
    require(weightColumns(weight(index, WeightKind::vector)) == width, "a vector is as wide as what it is applied to");
  }

  /** A value of float32 numbers. */
  void floats(int index) const {
    require(value(index).format == Format::f32 && !isInteger_[index], "the value is in f32");
  }
  void integers(int index) const {
    value(index);
    require(isInteger_[index], "ids and row numbers are integers of the batch");
  }
  void spans(int index) const {
    require(index >= 0 && index < static_cast<int>(plan_.inputs.size()), "spans are an input");
    require(plan_.inputs[index].kind == InputKind::spans, "spans are an input");
  }
  void sameRows(int a, int b) const { require(value(a).rows == value(b).rows, "row counts are the same"); }
  void sameShape(int a, int b) const {
    sameRows(a, b);
    require(value(a).width == value(b).width, "widths are equal");
  }

  void linear(int x, int weightIndex, int out) const {
    const PlanWeight& w = weight(weightIndex, WeightKind::linear);
    require(!isInteger_[x] && value(x).format == w.format, "a linear's input is in the format of its weight");
    require(value(x).width == weightColumns(w) && value(out).width == weightRows(w), "a linear fits its weight");
    require(value(out).format != Format::i8, "a linear's result is f32 or bf16");
    sameRows(x, out);
  }

  const Plan& plan_;
  std::vector<bool> isWritten_;
  std::vector<bool> isInteger_;
  int step_ = -1;
};

}  // namespace

void checkPlan(const Plan& plan) { Checker(plan).check(); }
