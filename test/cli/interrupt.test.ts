// Signals to a real process: the first is told, the second ends it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const module = fileURLToPath(new URL('../../dist/cli/interrupt.js', import.meta.url))

/** A process that goes on after the first signal. */
const script = `
  import { listenForInterrupt } from ${JSON.stringify(module)}
  const interrupt = listenForInterrupt({ say: (message) => console.log('said', message, interrupt.code) })
  interrupt.explain = 'explained'
  interrupt.signal.addEventListener('abort', () => console.log('aborted'))
  setInterval(() => {}, 1000)
  console.log('ready')
`

describe('listenForInterrupt', () => {
  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('%s', async (signal, code) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script])
    const closed = once(child, 'close')
    let said = ''
    for await (const chunk of child.stdout) {
      said += chunk
      if (said === 'ready\n' || said === `ready\nsaid explained ${code}\naborted\n`) child.kill(signal)
    }
    expect(said).toBe(`ready\nsaid explained ${code}\naborted\n`)
    // The shell shows a process that died of the signal as 130 or 143.
    expect(await closed).toEqual([null, signal])
  })
})
