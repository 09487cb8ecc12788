// Compiles native/cpu and native/npu into build/qvl_cpu.node and build/qvl_npu.node; without a compiler it says so.
//   --tests            also the stand-alone test programs, build/kernels_test and the like
//   --sanitize=NAME    with a sanitizer (address, thread or undefined), everything into build/NAME/

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

const { values: options } = parseArgs({ options: { tests: { type: 'boolean' }, sanitize: { type: 'string' } } })

const avx2Flags = ['-mavx2', '-mfma', '-mf16c']
const avx512Flags = ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', ...avx2Flags]
/** Flags of the files that need an instruction set; which of them may run is decided at run time. */
const instructionFlags = {
  'avx2.cc': avx2Flags,
  'avxvnni.cc': [...avx2Flags, '-mavxvnni'],
  'avx512.cc': avx512Flags,
  'avx512vnni.cc': [...avx512Flags, '-mavx512vnni'],
  'avx512bf16.cc': [...avx512Flags, '-mavx512bf16', '-mavx512vnni'],
}
const sanitizerFlags = {
  address: ['-fsanitize=address', '-fno-omit-frame-pointer'],
  thread: ['-fsanitize=thread'],
  undefined: ['-fsanitize=undefined', '-fno-sanitize-recover=all'],
}

/** The addons, one for each device with native code. */
const addons = {
  cpu: {
    folder: join(root, 'native/cpu'),
    suffix: '.cc',
    language: 'C++',
    compilers: process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'],
    flags: ['-std=c++17', '-O3', '-g1'],
    libraries: [],
    isHere: process.platform !== 'win32',
    without: 'qvl will use ort',
  },
  npu: {
    folder: join(root, 'native/npu'),
    suffix: '.c',
    language: 'C',
    compilers: process.env.CC ? [process.env.CC] : ['cc', 'gcc', 'clang'],
    flags: ['-std=c11', '-D_GNU_SOURCE', '-O2', '-g1'],
    // Part of libc from glibc 2.34 on.
    libraries: ['-ldl'],
    // Where AscendCL is.
    isHere: process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch),
    without: 'qvl will not run on an Ascend NPU',
  },
}

await main()

async function main() {
  for (const [device, addon] of Object.entries(addons)) await build(device, addon)
}

async function build(/** @type {string} */ device, addon) {
  const compiler = findCompiler(addon.compilers)
  const headers = findHeaders()
  const skip = (why) => console.log(`native ${device} device not built: ${why}; ${addon.without}`)
  if (!addon.isHere) return skip('this system is not supported')
  if (compiler === undefined) return skip(`no ${addon.language} compiler found`)
  if (headers === undefined) return skip("Node's header files were not found")
  const sanitize = sanitizer(options.sanitize)
  const folder = options.sanitize === undefined ? join(root, 'build') : join(root, 'build', options.sanitize)
  const objectFolder = device === 'cpu' ? join(folder, 'objects') : join(folder, 'objects', device)
  mkdirSync(objectFolder, { recursive: true })

  const all = readdirSync(addon.folder, { recursive: true, encoding: 'utf8' })
  const sources = all.filter((file) => file.endsWith(addon.suffix) && (options.tests || !isTest(file)))
  const unknown = sources.filter((file) => !isKnown(ownFlags(file), compiler))
  if (unknown.length > 0) console.log(`native ${device} device: this compiler is too old for ${unknown.join(', ')}`)
  const files = sources.filter((file) => !unknown.includes(file))
  const without = unknown.map((file) => `-DWITHOUT_${basename(file, addon.suffix).toUpperCase()}`)
  const warnings = ['-Wall', '-Wextra']
  const flags = [...addon.flags, '-fPIC', '-fvisibility=hidden', '-pthread', ...warnings, ...without, ...sanitize]
  const units = files.map((file) => unit(file, { addon, compiler, flags, headers, objectFolder }))
  await compileAll(units, compiler)
  removeOthers(objectFolder, units)

  const link = { compiler, flags: ['-pthread', ...sanitize], libraries: addon.libraries }
  const shared = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']
  const library = units.filter(({ file }) => !isTest(file))
  await linkTo(join(folder, `qvl_${device}.node`), library, { ...link, flags: [...link.flags, ...shared] })
  for (const test of units.filter(({ file }) => isTest(file))) {
    const parts = library.filter(({ file }) => !isBinding(file))
    await linkTo(join(folder, basename(test.file, addon.suffix)), [test, ...parts], link)
  }
}

function sanitizer(/** @type {string | undefined} */ name) {
  if (name === undefined) return []
  const flags = sanitizerFlags[name]
  if (flags === undefined) stop(`--sanitize takes ${Object.keys(sanitizerFlags).join(', ')}`)
  return flags
}

/** The command and its version, which is part of what an object is made from. */
function findCompiler(/** @type {string[]} */ candidates) {
  for (const candidate of candidates) {
    const [command, ...args] = candidate.split(' ').filter(Boolean)
    const { status, stdout } = spawnSync(command ?? '', [...args, '--version'], { encoding: 'utf8' })
    if (status === 0) return { command, args, version: stdout }
  }
  return undefined
}

/** The folder of node_api.h: Node's own, the system's, or that of the package node-api-headers. */
function findHeaders() {
  const folders = [join(dirname(process.execPath), '../include/node'), '/usr/include/node']
  try {
    folders.push(createRequire(import.meta.url)('node-api-headers').include_dir)
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error
  }
  return folders.find((folder) => existsSync(join(folder, 'node_api.h')))
}

function isTest(/** @type {string} */ file) {
  return /_test\.cc?$/.test(file)
}

/** Needs Node, so it is no part of a test program. */
function isBinding(/** @type {string} */ file) {
  return basename(dirname(file)) === 'node'
}

/** Of a file for one instruction set. */
function ownFlags(/** @type {string} */ file) {
  return process.arch === 'x64' ? (instructionFlags[basename(file)] ?? []) : []
}

/** Compilers learn instruction sets by and by. */
function isKnown(/** @type {string[]} */ flags, compiler) {
  if (flags.length === 0) return true
  const args = [...compiler.args, ...flags, '-fsyntax-only', '-x', 'c++', '/dev/null']
  return spawnSync(compiler.command, args, { stdio: 'ignore' }).status === 0
}

/** How a file is compiled; its object is named after everything that goes into it. */
function unit(/** @type {string} */ path, { addon, compiler, flags, headers, objectFolder }) {
  const file = join(addon.folder, path)
  const allFlags = [...flags, ...ownFlags(file), ...(isBinding(file) ? ['-isystem', headers] : [])]
  const hash = createHash('sha256').update(JSON.stringify([compiler, allFlags]))
  for (const part of withIncludes(file)) hash.update(`${relative(root, part)}\0`).update(readFileSync(part))
  const name = path.replaceAll('/', '-').slice(0, -addon.suffix.length)
  return { file, flags: allFlags, object: join(objectFolder, `${name}-${hash.digest('hex').slice(0, 16)}.o`) }
}

/** A source file and every file of ours that it includes. */
function withIncludes(/** @type {string} */ file, found = new Set()) {
  if (found.has(file) || !existsSync(file)) return found
  found.add(file)
  for (const [, included] of readFileSync(file, 'utf8').matchAll(/^\s*#include "([^"]+)"/gm)) {
    withIncludes(resolve(dirname(file), included), found)
  }
  return found
}

async function compileAll(units, compiler) {
  const stale = units.filter(({ object }) => !existsSync(object))
  const next = stale.values()
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (const { file, flags, object } of next) await produce(object, compiler, [...flags, '-c', file])
    }),
  )
}

async function linkTo(output, units, { compiler, flags, libraries }) {
  await produce(output, compiler, [...flags, ...units.map(({ object }) => object), ...libraries])
}

/** Runs the compiler; its output appears whole, because other processes may be using the old one. */
async function produce(output, compiler, args) {
  const temporary = `${output}.${process.pid}`
  const child = spawn(compiler.command, [...compiler.args, ...args, '-o', temporary], { stdio: 'inherit' })
  const status = await new Promise((done, fail) => child.on('close', done).on('error', fail))
  if (status !== 0) stop(`Native code does not compile: ${basename(output)} failed.`)
  renameSync(temporary, output)
}

/** Objects of earlier versions. */
function removeOthers(objectFolder, units) {
  const kept = new Set(units.map(({ object }) => basename(object)))
  // Test programs are built now and then; their objects stay.
  for (const file of readdirSync(objectFolder)) {
    if (!kept.has(file) && file.endsWith('.o') && (options.tests || !/_test-/.test(file))) {
      rmSync(join(objectFolder, file), { force: true })
    }
  }
}

function stop(/** @type {string} */ message) {
  console.error(message)
  process.exit(1)
}
