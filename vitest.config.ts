import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Tests import the built files (`#qvl/...` is dist/), so worker threads and child processes are the shipped ones.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Not the user's own cache.
    env: { QVL_CACHE: join(tmpdir(), 'qvl-test-cache') },
  },
})
