// Bounds that only keep a typing mistake from becoming an allocation; the model's own limits are checked later.

export const maxTokens = 2 ** 24
export const maxThreads = 1024
export const maxDevices = 64
export const maxPrompts = 1_000_000
export const maxRuns = 1_000
export const maxSeed = 2 ** 32 - 1
