// The signal of a call: aborted with the client's or the fleet's, and no burden on either.

import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { EitherSignal } from '#qvl/engine/upstream/either-signal.js'

it('is aborted with the first, and with its reason', () => {
  const [one, two] = [new AbortController(), new AbortController()]
  using either = new EitherSignal([one.signal, undefined, two.signal])
  expect(either.signal.aborted).toBe(false)
  two.abort('two')
  one.abort('one')
  expect(either.signal.reason).toBe('two')
})

it('is aborted at once where one is already', () => {
  using either = new EitherSignal([new AbortController().signal, AbortSignal.abort('over')])
  expect(either.signal.reason).toBe('over')
})

it('leaves no listener behind, and many are no leak', async () => {
  const warned = vi.fn()
  process.on('warning', warned)
  const long = new AbortController()
  const made = Array.from({ length: 30 }, () => new EitherSignal([long.signal]))
  expect(getEventListeners(long.signal, 'abort')).toHaveLength(30)
  await setImmediate()
  process.off('warning', warned)
  expect(warned).not.toHaveBeenCalled()
  for (const each of made) each[Symbol.dispose]()
  expect(getEventListeners(long.signal, 'abort')).toHaveLength(0)
  long.abort()
  expect(made.some(({ signal }) => signal.aborted)).toBe(false)
})
