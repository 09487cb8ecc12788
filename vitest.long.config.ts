import { defineConfig, mergeConfig } from 'vitest/config'
import quick from './vitest.config.js'

// Long checks: soak, fuzz, sanitizers. Run by hand with `npm run test:long`.
export default mergeConfig(
  { ...quick, test: { ...quick.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ['test/long/**/*.test.ts'], testTimeout: 1_800_000, hookTimeout: 600_000 } }),
)
