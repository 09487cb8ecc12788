// Where the compiled code of a device lies: built in this package, or in the package of this platform.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A file of build/, or of @qvl/linux-x64 and its like, which scripts/platform-packages.js makes; undefined without either. */
export function nativeFile(name: 'qvl_cpu.node' | 'qvl_npu.node'): string | undefined {
  const built = fileURLToPath(new URL(`../../build/${name}`, import.meta.url))
  if (existsSync(built)) return built
  try {
    return createRequire(import.meta.url).resolve(`@qvl/${process.platform}-${process.arch}/${name}`)
  } catch {
    // An optional package: it is absent on platforms that have none.
    return undefined
  }
}
