import { defineConfig } from 'vitest/config'

// Long checks: soak, fuzz and peers. Run by hand with `npm run test:long`.
export default defineConfig({
  test: { include: ['test/long/**/*.test.ts'], testTimeout: 1_800_000, hookTimeout: 600_000, pool: 'forks' },
})
