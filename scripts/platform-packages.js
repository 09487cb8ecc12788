// Prepares a release: the package of this platform, which holds the native code of build/, and qvl itself, which names it.
//   node scripts/platform-packages.js [--out=DIR] [--platforms=linux-x64,linux-arm64]
// writes DIR/@qvl/linux-x64 (or what this platform is called) and DIR/qvl, each ready for `npm publish`. `--platforms` are
// those whose packages are published together; npm installs the one that fits. Run `npm run build` first.

import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const here = `${process.platform}-${process.arch}`

const { values: options } = parseArgs({
  options: { out: { type: 'string', default: 'build/release' }, platforms: { type: 'string', default: here } },
})
const out = resolve(options.out)
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const platforms = options.platforms.split(',').filter((platform) => platform !== '')

if (platforms.includes(here)) writePlatform(join(out, '@qvl', here))
writeMain(join(out, 'qvl'))

function writePlatform(/** @type {string} */ folder) {
  const { version, license, engines } = manifest
  const addons = ['qvl_cpu.node', 'qvl_npu.node'].filter((file) => existsSync(join(root, 'build', file)))
  if (!addons.includes('qvl_cpu.node')) stop('build/qvl_cpu.node is missing: run `npm run build` with a C++ compiler.')
  emptyFolder(folder)
  for (const file of addons) copyFileSync(join(root, 'build', file), join(folder, file))
  writeJson(join(folder, 'package.json'), {
    name: `@qvl/${here}`,
    version,
    description: `Native code of qvl for ${here}`,
    license,
    engines,
    os: [process.platform],
    cpu: [process.arch],
    ...(process.platform === 'linux' && { libc: [libc()] }),
    files: addons,
  })
  writeFileSync(
    join(folder, 'README.md'),
    `The native code of qvl for ${here}. The package qvl installs it by itself.\n`,
  )
  console.log(folder)
}

/** What `npm pack` takes, with the platforms' packages as optional dependencies, and without what only a clone needs. */
function writeMain(/** @type {string} */ folder) {
  emptyFolder(folder)
  const temporary = mkdtempSync(join(tmpdir(), 'qvl-release-'))
  try {
    const packed = run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', temporary])
    const [{ filename }] = JSON.parse(packed)
    run('tar', ['-xzf', join(temporary, filename), '-C', folder, '--strip-components=1'])
  } finally {
    rmSync(temporary, { recursive: true })
  }
  const { devDependencies: _, imports: __, scripts, ...released } = manifest
  const native = platforms.map((platform) => [`@qvl/${platform}`, manifest.version])
  writeJson(join(folder, 'package.json'), {
    ...released,
    scripts: { 'build:native': scripts['build:native'] },
    optionalDependencies: { ...Object.fromEntries(native), ...manifest.optionalDependencies },
  })
  console.log(folder)
}

/** npm installs a package with this field only where it fits. */
function libc() {
  return process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
}

function emptyFolder(/** @type {string} */ folder) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}

function writeJson(/** @type {string} */ file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`)
}

function run(/** @type {string} */ command, /** @type {string[]} */ args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) stop(`${command} ${args[0]} failed. ${error?.message ?? stderr}`)
  return stdout
}

function stop(/** @type {string} */ message) {
  console.error(message)
  process.exit(1)
}
