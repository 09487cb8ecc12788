// The limits of the load generator, with their reasons.

/** vLLM's: six hours. A whole run at an infinite rate waits in the server's queue. Flag: --request-timeout. */
export const defaultTimeoutSec = 6 * 60 * 60

/** Time between two tries of --ready-check-timeout-sec. */
export const readyIntervalSec = 5

/** /metrics only adds to the report: a server that is slow with it must not hold up the run. */
export const metricsTimeoutMs = 5_000

/** For questions beside the run: /v1/models, /tokenize. */
export const sideRequestTimeoutMs = 30_000

/** Sends without a look at the answers that have come meanwhile; a burst must not hide when answers arrive. */
export const maxSendsPerTurn = 32

/** An answer up to this size is parsed whole; of a longer one, such as a thousand vectors, only the usage is read. */
export const maxParsedBytes = 64 * 1024
