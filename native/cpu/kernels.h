// The kernels of one instruction set as a table of function pointers, and the choice among the sets at run time.
//
// Nothing here allocates, throws, or reads or writes past what is stated. Pointers need no alignment beyond that of
// their type. The result of a row does not depend on which other rows are computed in the same call.
#pragma once

#include <cstdint>

/** The upper half of a float32. */
using bf16 = uint16_t;

constexpr int kTileRows = 8;     // rows of a matrix tile
constexpr int kPanel = 48;       // columns of a packed weight panel
constexpr int kKeyBlock = 48;    // keys of an attention block (a key panel)
constexpr int kValueBlock = 32;  // channels of a value panel

/** In the order of `Activation` in src/program/program.ts. */
enum Activation : int {
  kActivationNone = 0,
  kActivationGeluErf = 1,
  kActivationGeluTanh = 2,
  kActivationSilu = 3,
  kActivationTanh = 4,
};

struct Kernels {
  /** "avx512_bf16", "avx512_vnni", "avx512", "avx_vnni", "avx2", "neon" or "portable". */
  const char* name;

  // Matrix tiles: out[rows][kPanel] = x[rows][K] . panel, rows from 1 to kTileRows, ldx in elements. The caller pads
  // K with zeros, in x and in the panel, to a multiple of 2 (bf16) or 4 (int8).

  /** panel [K][48] */
  void (*tileF32)(int rows, int K, const float* x, int64_t ldx, const float* panel, float* out);
  /** panel [K/2][48][2] */
  void (*tileBf16)(int rows, int K, const bf16* x, int64_t ldx, const bf16* panel, float* out);
  /** panel [K/4][48][4]; x holds value + 128, so the caller subtracts 128 times the column's sum of weights. */
  void (*tileI8)(int rows, int K, const uint8_t* x, int64_t ldx, const int8_t* panel, int32_t* out);

  // The products of attention, for any number of rows, ldx and ldo in elements.

  /**
   * Scores: out[rows][columns] = x[rows][K] . panel, for the first `columns` of a panel as above. Columns beyond them
   * may be written too, up to kKeyBlock.
   */
  void (*scoresF32)(int rows, int K, int columns, const float* x, int64_t ldx, const float* panel, float* out,
                    int64_t ldo);
  void (*scoresBf16)(int rows, int K, int columns, const bf16* x, int64_t ldx, const bf16* panel, float* out,
                     int64_t ldo);
  /** Values: out[rows][32] += x[rows][K] . panel[K][32] (bf16: [K/2][32][2]). */
  void (*valuesF32)(int rows, int K, const float* x, int64_t ldx, const float* panel, float* out, int64_t ldo);
  void (*valuesBf16)(int rows, int K, const bf16* x, int64_t ldx, const bf16* panel, float* out, int64_t ldo);

  // Row operations. `out` may be the same array as an input of the same type, but may not overlap it otherwise.

  /** Rounds to nearest, ties to even. NaN stays NaN. */
  void (*toBf16)(int64_t n, const float* x, bf16* out);
  void (*toF32)(int64_t n, const bf16* x, float* out);
  /**
   * out = round(x / scale) + 128 with scale = max|x| / 127. A row of zeros, or of values too small for a normal scale,
   * has scale 0 and 128 everywhere. A row with an infinity or NaN gets a scale that is one.
   */
  void (*quantizeRow)(int64_t n, const float* x, uint8_t* out, float* scale);
  /** x / sqrt(mean(x^2) + eps) * weight */
  void (*rmsNormRow)(int64_t n, const float* x, const float* weight, float eps, float* out);
  /** (x - mean) / sqrt(variance + eps) * weight + bias */
  void (*layerNormRow)(int64_t n, const float* x, const float* weight, const float* bias, float eps, float* out);
  /** Rotate-half in place: channel i of a head pairs with i + headDim/2. x [heads, headDim]; cos, sin [headDim/2]. */
  void (*rotaryRow)(int heads, int headDim, const float* cos, const float* sin, float* x);
  /** In place; `activation` is an Activation. */
  void (*activateRow)(int activation, int64_t n, float* x);
  /** silu(gate) * up */
  void (*swigluRow)(int64_t n, const float* gate, const float* up, float* out);
  /** out += a */
  void (*addRow)(int64_t n, const float* a, float* out);
  /**
   * Online softmax over one block of n scores, of which the first `limit` are visible: p = exp((score - max) * scale)
   * for those and 0 for the rest, where max is the largest score of this and all earlier blocks, and scale is not
   * negative. Brings runningMax and runningSum up to date (start with -infinity and 0), and returns the factor that
   * earlier outputs must be multiplied with: 0 for the first block with a visible key, 1 where limit is 0.
   */
  float (*softmaxRowF32)(int n, int limit, float scale, const float* scores, float* runningMax, float* runningSum,
                         float* p);
  /** With powers that are good for bf16; those below the smallest normal number may be 0. */
  float (*softmaxRowBf16)(int n, int limit, float scale, const float* scores, float* runningMax, float* runningSum,
                          bf16* p);
  void (*scaleRow)(int64_t n, float factor, float* x);
  float (*sumSquares)(int64_t n, const float* x);

  // The most that one thread can do with this set's multiply-add on registers alone, in GFLOP/s (int8: GOP/s): the best
  // of many bursts within about `seconds`.

  double (*peakF32)(double seconds);
  double (*peakBf16)(double seconds);
  double (*peakI8)(double seconds);
};

/** The best kernels of this machine, or those named `forced`: nullptr where this machine does not have that set. */
const Kernels* selectKernels(const char* forced);

/** Names of the sets of this machine, best first, ending in nullptr. */
const char* const* availableKernels();
