// The row-wise steps, in the order of the header.

#include "steps.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "failure.h"

namespace {

/** Rows of a task: enough work to be worth handing out. */
constexpr int64_t kRowsPerTask = 16;

/**
 * Rows of a table that are read before its pages are let go: the system makes 16 pages resident for one that is read,
 * so a large batch would bring in most of the table.
 */
constexpr int64_t kRowsPerGather = 512;

/** Calls body(row, thread) for every row. */
template <typename Body>
void forRows(const StepContext& context, int64_t rows, const Body& body) {
  context.pool.parallelFor((rows + kRowsPerTask - 1) / kRowsPerTask, [&](int64_t task, int thread) {
    const int64_t end = std::min((task + 1) * kRowsPerTask, rows);
    for (int64_t row = task * kRowsPerTask; row < end; row++) body(row, thread);
  });
}

/** Computes every row of `out` in float32: compute(row, x's row, out's row). */
template <typename Compute>
void mapRows(const StepContext& context, const Matrix& x, const Matrix& out, const Compute& compute) {
  forRows(context, out.rows, [&](int64_t row, int thread) {
    float* const to = beginRow(out, row, context.outRow(thread));
    compute(row, readRow(context.kernels, x, row, context.inRow(thread)), to);
    finishRow(context.kernels, out, row, to);
  });
}

void checkRowNumbers(const char* what, const Matrix& numbers, int64_t limit) {
  for (int64_t i = 0; i < numbers.rows; i++) {
    const int64_t number = numbers.integers()[i];
    if (number >= 0 && number < limit) continue;
    throw Failure(kInputInvalid, std::string(what) + " " + std::to_string(number) + " is not one of 0 to " +
                                     std::to_string(limit - 1) + ".");
  }
}

void copyFloats(const float* from, int64_t count, float* to) {
  std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
}

}  // namespace

StepContext::StepContext(const Kernels& kernels, ThreadPool& pool, int64_t maxWidth)
    : kernels(kernels), pool(pool), scratch(static_cast<size_t>(pool.threads())), maxWidth(maxWidth) {
  for (auto& rows : scratch) rows = std::make_unique<float[]>(static_cast<size_t>(2 * maxWidth));
}

void embedRows(const StepContext& context, const Matrix& ids, const Table& table, const Matrix& out) {
  checkRowNumbers("The id", ids, table.source.rows);
  for (int64_t first = 0; first < out.rows; first += kRowsPerGather) {
    forRows(context, std::min(kRowsPerGather, out.rows - first), [&](int64_t index, int thread) {
      const int64_t row = first + index;
      float* const to = beginRow(out, row, context.outRow(thread));
      table.readRow(ids.integers()[row], to);
      finishRow(context.kernels, out, row, to);
    });
    table.dropPages();
  }
}

void normRows(const StepContext& context, const Matrix& x, const NormArgs& args, const Matrix& out) {
  const Kernels& kernels = context.kernels;
  mapRows(context, x, out, [&](int64_t, const float* from, float* to) {
    if (args.isLayerNorm) {
      kernels.layerNormRow(x.width, from, args.weight, args.bias, args.eps, to);
    } else {
      kernels.rmsNormRow(x.width, from, args.weight, args.eps, to);
    }
  });
}

void headRotaryRows(const StepContext& context, const Matrix& x, const HeadRotaryArgs& args, const Matrix& out) {
  const Kernels& kernels = context.kernels;
  const int heads = static_cast<int>(x.width / args.headDim);
  mapRows(context, x, out, [&](int64_t row, const float* from, float* to) {
    if (args.weight == nullptr) {
      copyFloats(from, x.width, to);
    } else {
      for (int64_t at = 0; at < x.width; at += args.headDim) {
        kernels.rmsNormRow(args.headDim, from + at, args.weight, args.eps, to + at);
      }
    }
    if (args.cos != nullptr) kernels.rotaryRow(heads, args.headDim, args.cos->floats(row), args.sin->floats(row), to);
  });
}

void gatherRows(const StepContext& context, const Matrix& x, const Matrix& rows, const Matrix& out) {
  const int64_t count = out.width / x.width;  // rows that stand side by side in a row of out
  checkRowNumbers("The row number", rows, x.rows - count + 1);
  const int64_t size = elementBytes(x.format);
  const auto bytes = static_cast<size_t>((count == 1 ? paddedWidth(x.format, x.width) : x.width) * size);
  forRows(context, out.rows, [&](int64_t row, int) {
    const int64_t from = rows.integers()[row];
    unsigned char* const to = out.data + row * out.stride * size;
    for (int64_t i = 0; i < count; i++) {
      std::memcpy(to + i * x.width * size, x.data + (from + i) * x.stride * size, bytes);
    }
    if (count > 1) std::memset(to + out.width * size, 0, (paddedWidth(out.format, out.width) - out.width) * size);
    if (x.format == Format::i8) out.scales[row] = x.scales[from];
  });
}

void placeRows(const StepContext& context, bool adds, const Matrix& x, const Matrix& rows, const Matrix& y,
               const Matrix& out) {
  checkRowNumbers("The row number", rows, x.rows);
  forRows(context, out.rows, [&](int64_t row, int) { copyFloats(x.floats(row), x.width, out.floats(row)); });
  // On one thread, because a row may be named twice.
  for (int64_t i = 0; i < rows.rows; i++) {
    float* const to = out.floats(rows.integers()[i]);
    if (adds) {
      context.kernels.addRow(out.width, y.floats(i), to);
    } else {
      copyFloats(y.floats(i), out.width, to);
    }
  }
}

void swigluRows(const StepContext& context, const Matrix& gate, const Matrix& up, const Matrix& out) {
  mapRows(context, gate, out, [&](int64_t row, const float* from, float* to) {
    context.kernels.swigluRow(gate.width, from, up.floats(row), to);
  });
}

void addMatrices(const StepContext& context, const Matrix& a, const Matrix& b, const Matrix& out) {
  mapRows(context, a, out, [&](int64_t row, const float* from, float* to) {
    copyFloats(from, a.width, to);
    context.kernels.addRow(a.width, b.floats(row), to);
  });
}

void scaleRows(const StepContext& context, const Matrix& x, float factor, const Matrix& out) {
  mapRows(context, x, out, [&](int64_t, const float* from, float* to) {
    copyFloats(from, x.width, to);
    context.kernels.scaleRow(x.width, factor, to);
  });
}

void meanRows(const StepContext& context, const Matrix& x, const Spans& spans, const Matrix& out) {
  for (int i = 0; i < spans.count; i++) {
    const bool isInside = spans.rows[i] > 0 && spans.starts[i] >= 0 && spans.rows[i] <= x.rows - spans.starts[i];
    if (!isInside) throw Failure(kInputInvalid, "Span " + std::to_string(i) + " to average is not rows of its value.");
  }
  context.pool.parallelFor(spans.count, [&](int64_t span, int thread) {
    float* const to = beginRow(out, span, context.outRow(thread));
    std::fill(to, to + out.width, 0.0f);
    const int64_t start = spans.starts[span];
    for (int64_t row = start; row < start + spans.rows[span]; row++) {
      context.kernels.addRow(out.width, x.floats(row), to);
    }
    context.kernels.scaleRow(out.width, 1.0f / static_cast<float>(spans.rows[span]), to);
    finishRow(context.kernels, out, span, to);
  });
}

void normalizeRows(const StepContext& context, const Matrix& x, const Matrix& out) {
  constexpr double kFloor = 1e-12;  // PyTorch's
  mapRows(context, x, out, [&](int64_t, const float* from, float* to) {
    double squares = 0;  // in double precision, because squares of large and small numbers leave float32's range
    for (int64_t i = 0; i < x.width; i++) squares += static_cast<double>(from[i]) * from[i];
    const double length = std::max(std::sqrt(squares), kFloor);
    for (int64_t i = 0; i < x.width; i++) to[i] = static_cast<float>(from[i] / length);
  });
}

void convertRows(const StepContext& context, const Matrix& x, const Matrix& out) {
  forRows(context, out.rows, [&](int64_t row, int thread) {
    const float* const from = readRow(context.kernels, x, row, context.inRow(thread));
    if (out.format == Format::f32) {
      copyFloats(from, x.width, out.floats(row));
    } else {
      finishRow(context.kernels, out, row, from);
    }
  });
}
