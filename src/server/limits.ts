// Every limit of the server: what it bounds, its default, the flag that changes it, and the reason for the default.

interface Limit {
  what: string
  value: number
  unit: 'count' | 'bytes' | 'seconds' | 'share'
  /** Without dashes; `none` where no flag should change it. */
  flag: string
  reason: string
}

const KiB = 1024
const MiB = 1024 * KiB

export const limitTable = {
  // A connection
  maxConnections: {
    what: 'open connections',
    value: 3072,
    unit: 'count',
    flag: 'max-connections',
    reason: 'each costs memory and a file descriptor; more than may wait, so that a request too many is answered',
  },
  maxHeaderBytes: {
    what: 'headers of a request',
    value: 16 * KiB,
    unit: 'bytes',
    flag: 'none',
    reason: 'what Node and common proxies allow',
  },
  maxHeaders: {
    what: 'headers of a request',
    value: 256,
    unit: 'count',
    flag: 'none',
    reason: 'as many as vLLM allows; clients send about ten',
  },
  headerSeconds: {
    what: 'time for the headers',
    value: 10,
    unit: 'seconds',
    flag: 'header-timeout',
    reason: 'they fit in a few packets; whoever is slower holds a connection for nothing',
  },
  bodySeconds: {
    what: 'time for the body',
    value: 60,
    unit: 'seconds',
    flag: 'body-timeout',
    reason: '64 MiB take 54 s at 10 Mbit/s',
  },
  keepAliveSeconds: {
    what: 'idle time of a connection',
    value: 5,
    unit: 'seconds',
    flag: 'keep-alive-timeout',
    reason: 'the value of vLLM',
  },
  stalledSeconds: {
    what: 'time a client may read nothing of its answer',
    value: 60,
    unit: 'seconds',
    flag: 'send-timeout',
    reason: 'after it, the client has gone',
  },
  // One request
  maxBodyBytes: {
    what: 'body of a request',
    value: 64 * MiB,
    unit: 'bytes',
    flag: 'max-body-bytes',
    reason: 'room for images as data URLs',
  },
  maxBodyChunks: {
    what: 'pieces in which a body arrives',
    value: 262_144,
    unit: 'count',
    flag: 'none',
    reason: 'pieces of 256 bytes fill a body',
  },
  maxItems: {
    what: 'inputs or documents of a request',
    value: 2048,
    unit: 'count',
    flag: 'max-items',
    reason: 'the limit of the OpenAI API',
  },
  maxTextBytes: {
    what: 'one text',
    value: 4 * MiB,
    unit: 'bytes',
    flag: 'max-text-bytes',
    reason: 'longer than any prompt of these models',
  },
  requestSeconds: {
    what: 'time to answer a request',
    value: 120,
    unit: 'seconds',
    flag: 'request-timeout',
    reason: 'clients give up after one or two minutes',
  },
  // All requests together
  maxQueuedRequests: {
    what: 'requests that wait or run',
    value: 2048,
    unit: 'count',
    flag: 'max-queued-requests',
    reason: "vLLM's benchmark sends 1000 at once and counts a refusal as a failure; tokens bound the wait",
  },
  maxQueuedTokens: {
    what: 'tokens that wait or run',
    value: 2_097_152,
    unit: 'count',
    flag: 'max-queued-tokens',
    reason:
      "as many requests as may wait, of 1024 tokens each, the length of vLLM's benchmark; minutes of work for a CPU",
  },
  maxBodyBytesInFlight: {
    what: 'bodies in memory',
    value: 512 * MiB,
    unit: 'bytes',
    flag: 'max-body-bytes-in-flight',
    reason: 'eight of the largest',
  },
  refuseAtMemoryShare: {
    what: 'part of the memory in use at which new work is refused',
    value: 0.9,
    unit: 'share',
    flag: 'none',
    reason: 'what was taken already needs the rest',
  },
  shedAtMemoryShare: {
    what: 'part of the memory in use at which queued work is given up',
    value: 0.95,
    unit: 'share',
    flag: 'none',
    reason: 'losing requests is better than losing the process',
  },
  // The end
  drainDelaySeconds: {
    what: 'time from SIGTERM to refusing requests',
    value: 5,
    unit: 'seconds',
    flag: 'drain-delay',
    reason: 'load balancers look at readiness every few seconds',
  },
  drainSeconds: {
    what: 'time for what is in flight to finish',
    value: 30,
    unit: 'seconds',
    flag: 'drain-timeout',
    reason: 'the grace period of Kubernetes',
  },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof limitTable

export type Limits = { readonly [Name in LimitName]: number }

/** The defaults, with `given` over them. */
export function limitsWith(given: { readonly [Name in LimitName]?: number | undefined }): Limits {
  const names = Object.keys(limitTable) as LimitName[]
  const chosen = names.map((name) => [name, given[name] ?? limitTable[name].value])
  // One number for each name of the table, which is what Limits says.
  return Object.fromEntries(chosen) as Limits
}

export const defaultLimits: Limits = limitsWith({})
