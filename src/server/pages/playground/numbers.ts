// Numbers of answers, made ready to be looked at.

/** [inputs, inputs] of cosines; the vectors have length 1 or not. */
export function similarities(vectors: readonly (readonly number[])[]): number[][] {
  const lengths = vectors.map((vector) => Math.sqrt(dot(vector, vector)))
  return vectors.map((a, row) => vectors.map((b, column) => dot(a, b) / (lengths[row]! * lengths[column]! || 1)))
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + value * b[at]!, 0)

/** A run of one special token, such as the places of an image, as the token and its count. */
export const collapsedRuns = (prompt: string): string =>
  prompt.replace(/(<\|[a-z_]+\|>)\1{2,}/g, (run: string, token: string) => `${token} × ${run.length / token.length} `)

/** Scores near 0 and 1 differ in later digits. */
export const scoreText = (score: number): string =>
  score !== 0 && Math.abs(score) < 0.001 ? score.toExponential(2) : score.toFixed(4)

/** `tokenise;dur=0.7, queue;dur=1` as words. */
export const timingText = (header: string): string =>
  [...header.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name, ms]) => `${name} ${Number(ms).toFixed(1)} ms`).join(' · ')

/** The first sentence says what happened; the rest why, and what to do. */
export function errorParts(message: string): { what: string; rest: string } {
  const match = /^(.+?[.!?])\s+(.+)$/s.exec(message)
  return match === null ? { what: message, rest: '' } : { what: match[1]!, rest: match[2]! }
}
