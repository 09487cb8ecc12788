// Places the values of a batch by their lifetimes, then runs the steps in order.

#include "run.h"

#include <algorithm>
#include <chrono>

#include "failure.h"
#include "reads.h"

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int64_t maxWidth(const Plan& plan) {
  int64_t width = 1;
  for (const PlanValue& value : plan.values) width = std::max(width, value.width);
  return width;
}

/** Inputs and outputs of the plan, and what attention reads and writes, have their rows one after the other. */
void spreadProductInputs(const Plan& plan, std::vector<Matrix>& matrices) {
  std::vector<bool> isDense(matrices.size());
  for (const PlanInput& input : plan.inputs) {
    if (input.kind != InputKind::spans) isDense[input.value] = true;
  }
  for (const PlanOutput& output : plan.outputs) isDense[output.value] = true;
  for (const Step& step : plan.steps) {
    const auto* attention = std::get_if<AttentionStep>(&step);
    if (attention == nullptr) continue;
    for (const int value : {attention->q, attention->k, attention->v, attention->out}) isDense[value] = true;
  }
  for (const Step& step : plan.steps) {
    const auto* linear = std::get_if<LinearStep>(&step);
    const auto* gated = std::get_if<SwigluLinearStep>(&step);
    const int x = linear != nullptr ? linear->x : gated != nullptr ? gated->x : kNone;
    if (x == kNone || isDense[x]) continue;
    matrices[x].spread();
    isDense[x] = true;  // once is enough
  }
}

std::vector<Matrix> makeMatrices(const Plan& plan, const std::vector<int64_t>& rowCounts) {
  std::vector<Matrix> matrices;
  for (const PlanValue& value : plan.values) matrices.emplace_back(value.format, rowCounts[value.rows], value.width);
  spreadProductInputs(plan, matrices);
  return matrices;
}

}  // namespace

Run::Run(const RunResources& resources, const Batch& batch)
    : plan_(resources.plan),
      kernels_(resources.kernels),
      pool_(resources.pool),
      weights_(resources.weights),
      arena_(resources.arena),
      kept_(resources.kept),
      batch_(batch),
      values_(makeMatrices(plan_, countRows(plan_, batch))),
      context_(kernels_, pool_, maxWidth(plan_)),
      scratches_(plan_.steps.size()) {
  kept_.check(plan_, batch_);
  placeInputs();
  tileQueries();
  fresh_ = kept_.makeRoom(batch_);
  placeResults();
}

/** Inputs stay where the caller put them; nothing writes to them. */
void Run::placeInputs() {
  for (size_t index = 0; index < plan_.inputs.size(); index++) {
    const PlanInput& input = plan_.inputs[index];
    if (input.kind == InputKind::spans) continue;
    const void* data = input.kind == InputKind::floats ? static_cast<const void*>(batch_[index].floats.data())
                                                       : static_cast<const void*>(batch_[index].integers.data());
    values_[input.value].place(static_cast<unsigned char*>(const_cast<void*>(data)));
  }
}

void Run::tileQueries() {
  for (const Step& step : plan_.steps) {
    const auto* attention = std::get_if<AttentionStep>(&step);
    if (attention == nullptr) continue;
    checkCover(batch_[attention->spans].spans.view(), value(attention->k).rows);
    std::vector<QueryTile>& tiles = tiles_[{attention->spans, attention->queryRows}];
    if (tiles.empty()) tiles = queryTiles(attentionArgs(*attention, {}));
  }
}

void Run::placeResults() {
  std::vector<Buffer> buffers;
  for (int step = 0; step < static_cast<int>(plan_.steps.size()); step++) {
    const int out = valueWritten(plan_.steps[step]);
    buffers.push_back({values_[out].bytes(), step, plan_.values[out].lastUse});
    const auto* attention = std::get_if<AttentionStep>(&plan_.steps[step]);
    if (attention != nullptr) buffers.push_back({scratchBytes(step, *attention), step, step});
  }
  unsigned char* const base = arena_.place(buffers);
  auto buffer = buffers.begin();
  for (size_t step = 0; step < plan_.steps.size(); step++) {
    values_[valueWritten(plan_.steps[step])].place(base + buffer++->offset);
    if (std::holds_alternative<AttentionStep>(plan_.steps[step])) scratches_[step] = base + buffer++->offset;
  }
}

void Run::steps(const std::atomic<bool>& isCancelled) {
  const Clock::time_point start = Clock::now();
  for (step_ = 0; step_ < static_cast<int>(plan_.steps.size()); step_++) {
    if (isCancelled) throw Failure(kCancelled, "The run was cancelled.");
    std::visit(*this, plan_.steps[step_]);
  }
  statistics_.totalSeconds = secondsSince(start);
}

std::vector<RunOutput> Run::outputs() const {
  std::vector<RunOutput> outputs;
  for (const PlanOutput& output : plan_.outputs) {
    const Matrix& matrix = value(output.value);
    const float* const data = matrix.floats(0);
    outputs.push_back({output.name, matrix.rows, matrix.width, {data, data + matrix.rows * matrix.width}});
  }
  return outputs;
}

void Run::operator()(const EmbedStep& s) { embedRows(context_, value(s.ids), weights_.table(s.table), value(s.out)); }

void Run::operator()(const NormStep& s) {
  normRows(context_, value(s.x), {s.isLayerNorm, vector(s.weight), vector(s.bias), s.eps}, value(s.out));
}

void Run::operator()(const LinearStep& s) {
  multiply({value(s.x), weights_.matrix(s.weight), nullptr, vector(s.bias), s.activation, optional(s.residual),
            value(s.out)});
}

void Run::operator()(const SwigluLinearStep& s) {
  multiply({value(s.x), weights_.matrix(s.gate), &weights_.matrix(s.up), nullptr, kActivationNone, nullptr,
            value(s.out)});
}

void Run::multiply(const LinearArgs& args) {
  const Clock::time_point start = Clock::now();
  linear(kernels_, args, pool_);
  statistics_.linearSeconds += secondsSince(start);
}

void Run::operator()(const HeadRotaryStep& s) {
  const HeadRotaryArgs args{s.headDim, vector(s.weight), s.eps, optional(s.cos), optional(s.sin)};
  headRotaryRows(context_, value(s.x), args, value(s.out));
}

std::vector<PanelRoom> Run::rooms(int step, const AttentionStep& s) const {
  return kept_.rooms(step, s.spans, batch_[s.spans].spans, fresh_);
}

AttentionArgs Run::attentionArgs(const AttentionStep& s, const std::vector<PanelRoom>& rooms) const {
  AttentionArgs args{};
  args.heads = s.heads;
  args.kvHeads = s.kvHeads;
  args.headDim = s.headDim;
  args.causal = s.causal;
  args.scale = s.scale;
  args.isBf16 = value(s.q).format == Format::bf16;
  args.q = value(s.q).data;
  args.k = value(s.k).data;
  args.v = value(s.v).data;
  args.out = value(s.out).data;
  args.queries = value(s.q).rows;
  args.rows = value(s.k).rows;
  args.queryRows = s.queryRows == kNone ? nullptr : value(s.queryRows).integers();
  args.spans = batch_[s.spans].spans.view();
  args.rooms = rooms.empty() ? nullptr : rooms.data();
  args.tiles = &tiles_.at({s.spans, s.queryRows});
  return args;
}

int64_t Run::scratchBytes(int step, const AttentionStep& s) const {
  const std::vector<PanelRoom> rooms = this->rooms(step, s);
  const AttentionArgs args = attentionArgs(s, rooms);
  const bool isConverted = value(s.out).format != value(s.q).format;
  return roundUp(attentionScratchBytes(args, pool_.threads()), kAlignment) + (isConverted ? value(s.q).bytes() : 0);
}

void Run::operator()(const AttentionStep& s) {
  const Clock::time_point start = Clock::now();
  const std::vector<PanelRoom> rooms = this->rooms(step_, s);
  AttentionArgs args = attentionArgs(s, rooms);
  unsigned char* const scratch = scratches_[step_];
  Matrix result = value(s.out);
  if (result.format != value(s.q).format) {
    result = value(s.q);
    result.place(scratch);
    args.out = result.data;
  }
  attention(kernels_, args, pool_, scratch + (args.out == value(s.out).data ? 0 : result.bytes()));
  if (args.out != value(s.out).data) convertRows(context_, result, value(s.out));
  statistics_.attentionSeconds += secondsSince(start);
}

void Run::operator()(const GatherStep& s) { gatherRows(context_, value(s.x), value(s.rows), value(s.out)); }

void Run::operator()(const PlaceStep& s) {
  placeRows(context_, s.adds, value(s.x), value(s.rows), value(s.y), value(s.out));
}

void Run::operator()(const SwigluStep& s) { swigluRows(context_, value(s.gate), value(s.up), value(s.out)); }
void Run::operator()(const AddStep& s) { addMatrices(context_, value(s.a), value(s.b), value(s.out)); }
void Run::operator()(const ScaleStep& s) { scaleRows(context_, value(s.x), s.factor, value(s.out)); }
void Run::operator()(const MeanStep& s) { meanRows(context_, value(s.x), batch_[s.spans].spans.view(), value(s.out)); }
void Run::operator()(const NormalizeStep& s) { normalizeRows(context_, value(s.x), value(s.out)); }
void Run::operator()(const ConvertStep& s) { convertRows(context_, value(s.x), value(s.out)); }
