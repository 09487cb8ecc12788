// A small deterministic engine for tests of files: one token per word, and numbers that change with the batch.

import { setTimeout as sleep } from 'node:timers/promises'
import { QvlError } from '#qvl/errors.js'

const hidden = 8
const maxModelLen = 1_000

/**
 * As on real devices, the last digits of an answer depend on what it was computed with. So the output of a resumed run
 * equals that of an uncut one only when the chunks are the same.
 */
export function tinyEngine({ kind = 'embed', fingerprint = 'f', delayMs = 0, failing = () => false } = {}) {
  const counters = { computedTokens: 0, promptTokens: 0 }
  const prepare = (kind, texts, rest) => {
    const promptTokens = texts.reduce((sum, text) => sum + words(text), 0)
    return { kind, sequences: [], promptTokens, texts, ...rest }
  }
  const engine = {
    model: { id: 'tiny', fingerprint, kind, format: 'tiny', hidden, maxModelLen },
    counters,
    preparer: {
      embed: ({ content, dimensions, instruction = '' }) =>
        prepare('embed', [`${instruction} ${plain(content)}`], { dimensions }),
      score: ({ query, documents }) =>
        prepare(
          'score',
          documents.map((document) => `${plain(query)} ${plain(document)}`),
        ),
    },
    submit(tasks, { signal } = {}) {
      const batch = tasks.length + tasks.reduce((sum, { promptTokens }) => sum + promptTokens, 0)
      const done = delayMs === 0 ? Promise.resolve() : sleep(delayMs, undefined, { signal })
      return tasks.map(async (task) => {
        await done
        if (task.texts.some(failing)) throw new QvlError('DEVICE_FAILED', { what: 'The device failed.' })
        return {
          ...answer(task, batch),
          usage: { promptTokens: task.promptTokens, cachedTokens: task.texts.length - 1 },
        }
      })
    },
    loadVisuals: async () => ({ facts: new Map(), byKey: new Map(), numBytes: 0 }),
    embed: (request, options) => engine.submit([engine.preparer.embed(request)], options)[0],
    score: (request, options) => engine.submit([engine.preparer.score(request)], options)[0],
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  return engine
}

function answer({ kind, texts, dimensions }, batch) {
  const explanations = texts.map((prompt) => ({ prompt, ids: [] }))
  if (kind === 'score') return { scores: texts.map((text) => scoreOf(text, batch)), explanations }
  return { vector: vectorOf(texts[0], batch, dimensions), explanation: explanations[0] }
}

/** A document that spells a number has that score. */
function scoreOf(text, batch) {
  const number = Number(text.split(' ').at(-1))
  return Number.isNaN(number) ? hash(`${text}${batch}`) : number
}

function vectorOf(text, batch, dimensions = hidden) {
  if (text.includes('not finite')) return new Float32Array(dimensions).fill(Number.NaN)
  return Float32Array.from({ length: dimensions }, (_, index) => hash(`${text}${index}`) + hash(`${batch}`) * 1e-6)
}

function words(text) {
  const count = text.split(/\s+/).filter(Boolean).length
  if (count <= maxModelLen) return count
  throw new QvlError('INPUT_TOO_LONG', { what: `The input has ${count} tokens.`, why: `The limit is ${maxModelLen}.` })
}

function plain(content) {
  if (typeof content === 'string') return content
  if (content.every(({ type }) => type === 'text')) return content.map(({ text }) => text).join(' ')
  throw new QvlError('MEDIA_UNSUPPORTED', { what: 'Images are not supported.' })
}

/** FNV-1a, in [−1, 1). */
function hash(text) {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value / 2 ** 31
}
