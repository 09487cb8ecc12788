// The limits of finding and fetching checkpoints, each with its reason.

export interface HubLimits {
  /** Time to open a connection. */
  connectTimeoutMs: number
  /** Time without a single byte, before the headers and inside a body. */
  idleTimeoutMs: number
  /** Tries in a row that bring nothing new before a download is given up. */
  maxTries: number
  /** First pause between tries; it doubles each time, and half of it is random. */
  backoffMs: number
  /** Longest pause between tries, whatever Retry-After asks for. */
  maxPauseMs: number
  maxRedirects: number
  maxParallelFiles: number
  /** Largest answer read into memory: a file list or a weight index. */
  maxJsonBytes: number
  /** How often a process that waits for another one's download looks again. */
  lockPollMs: number
  /** How often a lock's holder shows that it is alive. */
  lockBeatMs: number
  /** Silence after which a lock of another machine or container counts as abandoned. */
  lockStaleMs: number
}

export const defaultHubLimits: HubLimits = {
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  maxTries: 5,
  backoffMs: 500,
  // Hubs count requests in windows of five minutes.
  maxPauseMs: 300_000,
  // A renamed repository, a resolver and a content network make three.
  maxRedirects: 5,
  // More connections do not fill a line better, and content networks throttle them.
  maxParallelFiles: 4,
  // As for safetensors headers: the largest published index is about 60 MB.
  maxJsonBytes: 100_000_000,
  lockPollMs: 200,
  lockBeatMs: 5_000,
  // Twelve missed beats: longer than any pause of a busy machine.
  lockStaleMs: 60_000,
}
