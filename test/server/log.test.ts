import { afterEach, describe, expect, it, vi } from 'vitest'
import { QvlError } from '#qvl/errors.js'
import { statisticsLine } from '#qvl/server/log/statistics.js'
import { type Log, type LogOptions, openLog, type RequestLine } from '#qvl/server/log.js'

function written(options: Partial<LogOptions>, act: (log: Log) => void): string {
  let text = ''
  const write = (piece: string): void => {
    text += piece
  }
  act(openLog({ format: 'text', level: 'info', ...options, write }))
  return text
}

const request: RequestLine = {
  id: 'abc123',
  method: 'POST',
  path: '/v1/rerank',
  status: 200,
  milliseconds: 12.345,
  timing: { items: 2, promptTokens: 30, cachedTokens: 8, tokeniseMs: 0.51, queueMs: 1, runMs: 10.26 },
}

const stamp = '2026-01-31T12:00:00.000Z'

afterEach(() => {
  vi.useRealTimers()
})

describe('lines', () => {
  const cases: { what: string; options?: Partial<LogOptions>; act: (log: Log) => void; expected: string }[] = [
    {
      what: 'a message',
      act: (log) => log.info('Listening', { address: 'http://127.0.0.1:8000', port: 8000 }),
      expected: `${stamp} INFO    Listening address=http://127.0.0.1:8000 port=8000\n`,
    },
    {
      what: 'a request',
      act: (log) => log.request(request),
      expected: `${stamp} INFO    POST /v1/rerank 200 ms=12.3 items=2 tokens=30 cached=8 tokenise_ms=0.5 queue_ms=1 run_ms=10.3 id=abc123\n`,
    },
    {
      what: 'a refused request',
      act: (log) => log.request({ ...request, status: 429, timing: {}, code: 'ENGINE_OVERLOADED' }),
      expected: `${stamp} INFO    POST /v1/rerank 429 ms=12.3 code=ENGINE_OVERLOADED id=abc123\n`,
    },
    {
      what: 'a failed request',
      act: (log) => log.request({ ...request, status: 500, timing: {} }),
      expected: `${stamp} WARNING POST /v1/rerank 500 ms=12.3 id=abc123\n`,
    },
    {
      what: 'a request as JSON',
      options: { format: 'json' },
      act: (log) => log.request({ ...request, timing: { promptTokens: 30 } }),
      expected: `{"time":"${stamp}","level":"info","message":"POST /v1/rerank 200","ms":12.3,"tokens":30,"id":"abc123"}\n`,
    },
    { what: 'no requests', options: { requests: false }, act: (log) => log.request(request), expected: '' },
    {
      what: 'a quiet path',
      options: { quietPaths: ['/health', '/v1/rerank'] },
      act: (log) => log.request(request),
      expected: '',
    },
    {
      what: 'only what is at least as grave as the level',
      options: { level: 'warning' },
      act: (log) => {
        log.debug('a')
        log.info('b')
        log.request(request)
        log.warn('c')
        log.error('d')
      },
      expected: `${stamp} WARNING c\n${stamp} ERROR   d\n`,
    },
    {
      what: 'a value that is not one word',
      act: (log) => log.info('Started', { command: 'qvl serve "x"', empty: '' }),
      expected: `${stamp} INFO    Started command="qvl serve \\"x\\"" empty=""\n`,
    },
  ]
  it.each(cases)('$what', ({ options = {}, act, expected }) => {
    vi.useFakeTimers({ now: new Date(stamp), toFake: ['Date'] })
    expect(written(options, act)).toBe(expected)
  })
})

describe('what clients write cannot forge or hide lines', () => {
  const attacks = [
    '/a\n2026-01-31T12:00:00.000Z INFO POST /forged 200',
    '/a\r\nforged',
    '/a\u001b[2J\u001b[31m',
    '/a\u0085b\u2028c\u2029d',
    '/a\u202egnp.exe',
    '/a\u0000b\u007f',
    '/a" ms=0 id="',
    '/half \ud800 pair',
    `/${'long'.repeat(10_000)}`,
  ]
  const lines = (['text', 'json'] as const).flatMap((format) => attacks.map((attack) => ({ format, attack })))
  it.each(lines)('$format $attack', ({ format, attack }) => {
    const text = written({ format }, (log) => {
      log.request({ ...request, path: attack, id: attack })
      log.warn(attack, { field: attack })
    })
    expect(text.split('\n')).toHaveLength(3)
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\p{Cs}]/u)
    expect(text.length).toBeLessThan(6000)
    if (format === 'text') return
    const [first] = text.split('\n').map((line) => (line === '' ? {} : JSON.parse(line)))
    expect(first).toMatchObject({ level: 'info', ms: 12.3, id: attack.slice(0, 200) })
  })
})

describe('errors', () => {
  const error = new QvlError('INTERNAL', {
    what: 'It broke.',
    why: 'A defect.',
    cause: new Error('the library said\nFORGED line'),
  })
  it('as text: the stack and the cause are indented below', () => {
    const lines = written({}, (log) => log.failed(error, { id: 'abc' }))
      .trimEnd()
      .split('\n')
    expect(lines[0]).toMatch(/ ERROR {3}It broke\. A defect\. code=INTERNAL id=abc$/)
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.slice(1).every((line) => line.startsWith('  '))).toBe(true)
    expect(lines.join('\n')).toContain('the library said')
  })

  it('as JSON: one line', () => {
    const text = written({ format: 'json' }, (log) => log.failed(error, { id: 'abc' }))
    expect(text.split('\n')).toHaveLength(2)
    expect(JSON.parse(text)).toMatchObject({ level: 'error', code: 'INTERNAL', id: 'abc' })
    expect(JSON.parse(text).trace).toContain('the library said')
  })
})

describe('the statistics line', () => {
  const before = { at: 1000, endedRequests: 5, promptTokens: 100, computedTokens: 50 }
  const idle = {
    runningTasks: 0,
    waitingTasks: 0,
    waitingTokens: 0,
    runningTokens: 0,
    tokensPerSecond: 0,
    usedBytes: 0,
    maxBytes: 0,
    queriedTokens: 0,
    hitTokens: 0,
  }
  it('is left out when nothing happened', () => {
    expect(statisticsLine(before, { ...before, at: 11_000 }, idle)).toBeUndefined()
  })

  it('says what happened, in the words of vLLM', () => {
    const now = { at: 11_000, endedRequests: 6, promptTokens: 600, computedTokens: 300 }
    const engine = {
      ...idle,
      runningTasks: 2,
      waitingTasks: 3,
      usedBytes: 1,
      maxBytes: 4,
      queriedTokens: 200,
      hitTokens: 50,
    }
    expect(statisticsLine(before, now, engine)).toBe(
      'Engine 000: Avg prompt throughput: 50.0 tokens/s, Running: 2 reqs, Waiting: 3 reqs, KV cache usage: 25.0%, Prefix cache hit rate: 25.0%',
    )
  })

  it('is written while work waits, though none has ended', () => {
    expect(statisticsLine(before, { ...before, at: 11_000 }, { ...idle, waitingTasks: 1 })).toContain('Waiting: 1 reqs')
  })
})
