// From pooled rows to answers: vectors, means, probabilities, cosines.

/** The first `dimensions` components, L2-normalised unless told otherwise. Slicing before or after normalising is the same. */
export function embeddingVector(
  hidden: Float32Array,
  dimensions: number | undefined,
  normalize: boolean,
): Float32Array {
  const vector = hidden.slice(0, dimensions)
  if (!normalize) return vector
  // The floor under the length is PyTorch's.
  const length = Math.max(norm(vector), 1e-12)
  for (let i = 0; i < vector.length; i++) vector[i]! /= length
  return vector
}

/** Each of the rows of `hidden` by itself, L2-normalised or not. */
export function tokenVectors(hidden: Float32Array, rows: number, normalize: boolean): Float32Array {
  const width = hidden.length / rows
  const vectors = new Float32Array(hidden.length)
  for (let start = 0; start < hidden.length; start += width) {
    vectors.set(embeddingVector(hidden.subarray(start, start + width), undefined, normalize), start)
  }
  return vectors
}

/** The mean of the rows of `hidden`, which is the row itself where there is one. */
export function meanRow({ hidden, rows }: { hidden: Float32Array; rows: number }): Float32Array {
  if (rows === 1) return hidden
  const width = hidden.length / rows
  const sums = new Float64Array(width)
  for (let start = 0; start < hidden.length; start += width) {
    for (let i = 0; i < width; i++) sums[i]! += hidden[start + i]!
  }
  const means = new Float32Array(width)
  for (let i = 0; i < width; i++) means[i] = sums[i]! / rows
  return means
}

export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))

export function softmax(logits: Float32Array): Float32Array {
  const highest = logits.reduce((max, logit) => Math.max(max, logit), Number.NEGATIVE_INFINITY)
  const powers = logits.map((logit) => Math.exp(logit - highest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

export function cosine(a: Float32Array, b: Float32Array): number {
  return dot(a, b) / Math.max(norm(a) * norm(b), 1e-12)
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

const norm = (vector: Float32Array): number => Math.sqrt(dot(vector, vector))
