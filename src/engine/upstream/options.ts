// What a fleet of replicas is reached with, and the limits of that.

export interface UpstreamOptions {
  /** Base addresses, each of a `qvl serve` or a `vllm serve --runner pooling`. */
  urls: readonly string[]
  apiKey?: string | undefined
  /** What the replicas call the model (default: as it was given here). */
  servedModel?: string | undefined
  /** Wait for replicas where a server would refuse, as long as `filePatience`. */
  forFiles?: boolean | undefined
  /** In place of `defaultTimes`. */
  times?: Partial<FleetTimes> | undefined
}

/** Calls under way at one replica: enough that it can fill a batch while answers travel. */
export const maxCallsPerReplica = 8

/** Sequences and tokens of one call: so few that a large request spreads over replicas, and enough to fill batches there. */
export const maxSequencesPerCall = 32
export const maxTokensPerCall = 8_192

/** Calls that a request is cut into for each replica: it computes one while the next arrives. */
export const callsPerReplica = 2

/** Of images in one call, unless one alone is larger: a replica takes bodies of 64 MiB. */
export const maxAttachedBytesPerCall = 32 * 1024 ** 2

/** Times that a call fails at replicas before its request fails. One that brings replicas down must not go round for ever. */
export const maxAttempts = 8

/** And of a call for several tasks, before each goes alone: one of them may be the reason. */
export const maxSharedAttempts = 3

/** The pause after the first failed attempt; each later one is twice as long, up to the second number. */
export const retryPauseMs = { first: 50, longest: 1_000 }

/** A replica that says it is full is left alone as long as it asks for, but no longer than this while others have room. */
export const maxBusyMs = 30_000

/** And where no other has room: each call that waits would else ask it in turn. */
export const maxRestMs = 1_000

/** Times in a row that a question for health has no answer before calls there are given up: it hangs, or is cut off. */
export const maxSilentProbes = 3

/** How long things may take, in milliseconds. */
export interface FleetTimes {
  /** Between two questions for the health of a replica, and for an answer to one. */
  healthInterval: number
  health: number
  /** For an answer to one call; a replica that takes longer is taken for hung. */
  call: number
  /** A replica with calls that has answered none for so long gets no more while another has room. */
  stall: number
  /** How long a call that was taken waits for a replica that is ready and not full, from the first time there was none. */
  patience: number
}

export const defaultTimes: FleetTimes = {
  healthInterval: 1_000,
  health: 5_000,
  call: 300_000,
  stall: 20_000,
  patience: 10_000,
}

/** Of files: nobody would send their lines again. */
export const filePatience = 600_000
