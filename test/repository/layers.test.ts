import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const src = fileURLToPath(new URL('../../src', import.meta.url))

/** Which folders a folder may import, besides itself. Each level may import the levels below it. */
const below = (() => {
  const levels = [
    ['errors'],
    ['checkpoint'],
    ['program', 'text', 'media'],
    ['prompts', 'models', 'devices'],
    ['engine'],
    ['api'],
    ['server', 'offline', 'bench', 'library'],
    ['cli'],
  ]
  const allowed = new Map<string, Set<string>>()
  const lower = new Set<string>()
  for (const level of levels) {
    for (const folder of level) allowed.set(folder, new Set(lower))
    for (const folder of level) lower.add(folder)
  }
  // bench talks HTTP, to any server: it knows wire shapes, and a tokenizer to make prompts of a given length.
  allowed.set('bench', new Set(['errors', 'api', 'text', 'checkpoint']))
  return allowed
})()

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => file.split(/[\\/]/).join('/'))

const folderOf = (file: string): string => file.split('/')[0]!.replace(/\.[jt]sx?$/, '')

interface Import {
  file: string
  from: string
}

/** Every module a file imports, statically, dynamically or as a type. */
const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8')
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!)
  return specifiers.map((from) => ({ file, from }))
})

const localTarget = ({ file, from }: Import): string | undefined =>
  from.startsWith('.') ? posix.join(dirname(file), from) : undefined

function filesUsing(pattern: RegExp): string[] {
  return files.filter((file) => pattern.test(readFileSync(join(src, file), 'utf8')))
}

describe('who may import whom', () => {
  it('reads the sources', () => {
    expect(imports.length).toBeGreaterThan(100)
  })

  it('imports point downwards only', () => {
    const upward = imports.filter((entry) => {
      const target = localTarget(entry)
      if (target === undefined) return false
      const [from, to] = [folderOf(entry.file), folderOf(target)]
      return from !== to && !below.get(from)?.has(to)
    })
    expect(upward).toEqual([])
  })

  it('models, prompts and devices do not know each other', () => {
    const peers = ['models', 'prompts', 'devices']
    const crossing = imports.filter((entry) => {
      const target = localTarget(entry)
      if (target === undefined) return false
      return peers.includes(folderOf(entry.file)) && peers.includes(folderOf(target))
        ? folderOf(entry.file) !== folderOf(target)
        : false
    })
    expect(crossing).toEqual([])
  })

  const onlyIn: { what: string; pattern: RegExp; allowed: RegExp }[] = [
    {
      what: 'outbound sockets',
      pattern: /from 'undici'|from 'node:(net|tls|http|https|http2|dgram)'|\bfetch\(/,
      allowed: /^(checkpoint\/hub\/|media\/(fetch|addresses|references)|bench\/|server\/|engine\/upstream)/,
    },
    { what: 'onnxruntime', pattern: /'onnxruntime-node'/, allowed: /^devices\/ort\// },
    {
      what: 'native addons',
      pattern: /\.node'|process\.dlopen|createRequire/,
      allowed: /^devices\/(cpu\/|npu\/|native-file)/,
    },
    { what: 'the template engine', pattern: /'@huggingface\/jinja'/, allowed: /^text\// },
    {
      what: 'stdout and stderr',
      pattern: /process\.(stdout|stderr)|\bconsole\.(log|error|warn|info)/,
      allowed: /^(cli\/|server\/log)/,
    },
  ]
  it.each(onlyIn)('only the right files use $what', ({ pattern, allowed }) => {
    expect(filesUsing(pattern).filter((file) => !allowed.test(file))).toEqual([])
  })

  it('every folder is known', () => {
    const unknown = files.map((file) => folderOf(relative(src, join(src, file)))).filter((folder) => !below.has(folder))
    expect([...new Set(unknown)]).toEqual([])
  })
})
