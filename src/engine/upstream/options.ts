// What a fleet of replicas is reached with, and the limits of that.

export interface UpstreamOptions {
  /** Base addresses, each of a `qvl serve` or a `vllm serve --runner pooling`. */
  urls: readonly string[]
  apiKey?: string | undefined
  /** What the replicas call the model (default: as it was given here). */
  servedModel?: string | undefined
}

/** Calls under way at one replica: enough that it can fill a batch while answers travel. */
export const maxCallsPerReplica = 8

/** Sequences and tokens of one call: small enough that a large request spreads over all replicas. */
export const maxSequencesPerCall = 32
export const maxTokensPerCall = 8_192

/** Of images in one call, unless one alone is larger: a replica takes bodies of 64 MiB. */
export const maxAttachedBytesPerCall = 32 * 1024 ** 2

/** Times a piece is sent before its request fails. With the pauses below they last about five seconds. */
export const maxAttempts = 8

/** The pause after the first failed attempt; each later one is twice as long, up to the second number. */
export const retryPauseMs = { first: 50, longest: 1_000 }

/** A replica that says it is full is left alone as long as it asks for, but no longer than this while others have room. */
export const maxBusyMs = 30_000

/** Between two questions for the health of a replica, and for an answer to one. */
export const healthIntervalMs = 1_000
export const healthTimeoutMs = 5_000

/** For an answer to one call; a replica that takes longer is taken for hung. */
export const callTimeoutMs = 300_000
