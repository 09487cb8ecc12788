// Node, the processor, memory, compilers, and the programs and libraries that media need.

import { arch, availableParallelism, platform } from 'node:os'
import { usableCores } from '../../devices/cores.js'
import { memoryLimit } from '../../server/memory-share.js'
import { ask } from './ask.js'
import type { Check } from './check.js'
import { sizeText } from './size-text.js'
import { versionOf } from './version-of.js'

export async function systemChecks(signal: AbortSignal): Promise<Check[]> {
  const processors = availableParallelism()
  const cores = usableCores()
  const shared = cores < processors ? `; ${processors} processors, which share them or a limit` : ''
  return [
    { group: 'System', name: 'Node', state: 'ok', found: `${process.version} on ${platform()} ${arch()}` },
    { group: 'System', name: 'cores', state: 'ok', found: `${cores} for arithmetic${shared}` },
    { group: 'System', name: 'memory', state: 'ok', found: `${sizeText(memoryLimit())} at most for this process` },
    await compilerCheck(signal),
  ]
}

/** Needed once, to build. */
async function compilerCheck(signal: AbortSignal): Promise<Check> {
  const compiler = { group: 'System', name: 'compiler' } as const
  for (const program of [process.env.CXX, 'g++', 'clang++', 'c++']) {
    const version = program && (await versionOf(program, signal))
    if (version) return { ...compiler, state: 'ok', found: version }
  }
  const todo = 'Only `npm run build` needs one: install g++ or clang++ to build the cpu and npu devices.'
  return { ...compiler, state: 'note', found: 'no C++ compiler', do: todo }
}

/** `ffmpeg` is its path or name; ffprobe stands beside it. */
export async function mediaChecks(ffmpeg: string, signal: AbortSignal): Promise<Check[]> {
  const ffprobe = ffmpeg.replace(/ffmpeg(?=[^/\\]*$)/, 'ffprobe')
  const [sharp, ...tools] = await Promise.all([
    ask({ ask: 'sharp' }, { signal }),
    toolCheck('ffmpeg', ffmpeg, signal),
    toolCheck('ffprobe', ffprobe, signal),
  ])
  const images = { group: 'Media', name: 'sharp' } as const
  const first: Check =
    'answer' in sharp
      ? { ...images, state: 'ok', found: `${sharp.answer.version}, decodes images` }
      : { ...images, state: 'no', found: sharp.failed.what, do: 'Run npm install again on this machine.' }
  return [first, ...tools]
}

async function toolCheck(name: string, program: string, signal: AbortSignal): Promise<Check> {
  const version = await versionOf(program, signal, '-version')
  if (version === undefined) {
    const todo = 'Only video files need it: install ffmpeg, or name it with --ffmpeg-path.'
    return { group: 'Media', name, state: 'note', found: 'not found', do: todo }
  }
  return { group: 'Media', name, state: 'ok', found: version.replace(/ Copyright.*$/, '') }
}
