// The answers that the page reads, checked as far as it uses them.

export interface Ranking {
  results: { index: number; score: number }[]
  promptTokens: number
}

export interface Vectors {
  vectors: number[][]
  promptTokens: number
}

export interface Prompt {
  prompt: string
  tokens: number
}

export interface Facts {
  model: string
  kind: 'embed' | 'score'
  visual: boolean
  device: string
  version: string
  maxModelLen: number
  maxBodyBytes: number
}

export const rankingOf = (body: unknown): Ranking => ({
  results: list(field(body, 'results')).map((result) => ({
    index: Number(field(result, 'index')),
    score: Number(field(result, 'relevance_score')),
  })),
  promptTokens: promptTokens(body),
})

export const vectorsOf = (body: unknown): Vectors => ({
  vectors: list(field(body, 'data')).map((item) => list(field(item, 'embedding')).map(Number)),
  promptTokens: promptTokens(body),
})

export const promptsOf = (body: unknown): Prompt[] =>
  list(field(body, 'prompts')).map((prompt) => ({
    prompt: String(field(prompt, 'prompt')),
    tokens: Number(field(prompt, 'tokens')),
  }))

export const factsOf = (body: unknown): Facts => ({
  model: String(field(body, 'model')),
  kind: field(body, 'kind') === 'embed' ? 'embed' : 'score',
  visual: field(body, 'visual') === true,
  device: String(field(body, 'device')),
  version: String(field(body, 'version')),
  maxModelLen: Number(field(body, 'maxModelLen')),
  maxBodyBytes: Number(field(body, 'maxBodyBytes')),
})

const promptTokens = (body: unknown): number => Number(field(field(body, 'usage'), 'prompt_tokens'))

/** Throws when the server answers something else than it should. */
function field(value: unknown, name: string): unknown {
  const found =
    typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name) : undefined
  if (found === undefined) throw new Error(`The answer has no ${name}.`)
  return found[1]
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Error('The answer has no list where one should be.')
  return value
}
