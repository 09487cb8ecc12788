// The packages of a release, made by scripts/platform-packages.js from what is built here, and folders that use them.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hasAddon } from '#qvl/devices/cpu/addon.js'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const platform = `${process.platform}-${process.arch}`

/** Rejects with what the program wrote, when it fails. */
export const run = promisify(execFile)

/** Writes `folder/qvl`, and `folder/@qvl/<platform>` where there is native code. */
export async function makeRelease(folder: string): Promise<void> {
  const platforms = hasAddon() ? platform : ''
  const script = join(root, 'scripts/platform-packages.js')
  await run(process.execPath, [script, `--out=${folder}`, `--platforms=${platforms}`])
}

/** What npm would put into a tarball of a package. */
export async function packedFiles(folder: string): Promise<{ size: number; unpackedSize: number; paths: string[] }> {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], { cwd: folder })
  const [packed] = JSON.parse(stdout) as [{ size: number; unpackedSize: number; files: { path: string }[] }]
  return { size: packed.size, unpackedSize: packed.unpackedSize, paths: packed.files.map(({ path }) => path) }
}

/** A project with those of these packages that a release has in node_modules, and beside them what this repository has installed. */
export async function consumerFolder(folder: string, release: string, packages: readonly string[]): Promise<void> {
  const modules = join(folder, 'node_modules')
  await mkdir(modules, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }\n')
  await linkModules(join(root, 'node_modules'), folder)
  for (const name of packages) {
    if (!existsSync(join(release, name))) continue
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await cp(join(release, name), join(modules, name), { recursive: true })
  }
}

/** Makes packages of one folder available in another, which keeps its own. */
export async function linkModules(from: string, folder: string): Promise<void> {
  for (const name of await readdir(from)) {
    const [source, target] = [join(from, name), join(folder, 'node_modules', name)]
    if (!name.startsWith('.') && !existsSync(target)) await symlink(source, target)
  }
}
