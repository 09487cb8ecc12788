// What the library answers.

export interface Usage {
  /** Tokens of all prompts, a query counted once for each document. */
  promptTokens: number
  /** How many of them were not computed again, because an earlier prompt began alike. */
  cachedTokens: number
}

export interface Embedding {
  vector: Float32Array
  usage: Usage
}

export interface Embeddings {
  /** One for each input, in order. */
  vectors: Float32Array[]
  usage: Usage
}

export interface Scores {
  /** One for each document, in order. */
  scores: number[]
  usage: Usage
}

export interface Ranked {
  /** The document's place in the list that was given. */
  index: number
  score: number
}

export interface Ranking {
  /** Best first. */
  results: Ranked[]
  usage: Usage
}

/** What is known of an open model. */
export interface ModelInfo {
  /** As it was given. */
  readonly id: string
  /** `embed` models give vectors, and scores by cosine; `score` models give scores only. */
  readonly kind: 'embed' | 'score'
  /** The class in config.json. */
  readonly architecture: string
  /** The prompt format that was chosen from the checkpoint's content. */
  readonly format: string
  /** Components of a vector. */
  readonly dimensions: number
  /** Tokens of the longest prompt. */
  readonly maxModelLen: number
  /** Prompts that the checkpoint brings by name. */
  readonly promptNames: readonly string[]
  /** What computes. */
  readonly device: 'cpu' | 'ort' | 'npu' | 'reference' | 'upstream'
}
