// Asks one question in a process of its own.

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answers, Question, Reply } from './questions.js'

const child = fileURLToPath(new URL('./child.js', import.meta.url))

/** The first call to a driver takes seconds; a library that is stuck takes for ever. */
export const askTimeoutMs = 30_000

/** `timeoutMs` for questions that take longer. Never rejects, except when the signal is aborted. */
export function ask<Asked extends Question>(
  question: Asked,
  { signal, timeoutMs = askTimeoutMs }: { signal: AbortSignal; timeoutMs?: number },
): Promise<Reply<Asked['ask'] & keyof Answers>> {
  return new Promise((resolve, reject) => {
    const asked = fork(child, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] })
    const timer = setTimeout(() => end(`It did not answer within ${timeoutMs / 1000} s.`), timeoutMs)
    timer.unref()
    const onAbort = (): void => end('It was interrupted.')
    function end(why: string): void {
      asked.kill('SIGKILL')
      finish({ failed: { what: 'The test process was ended.', why } })
    }
    function finish(reply: Reply<Asked['ask'] & keyof Answers>): void {
      signal.removeEventListener('abort', onAbort)
      if (signal.aborted) reject(signal.reason)
      else resolve(reply)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    asked.once('message', finish)
    asked.once('error', (error) =>
      finish({ failed: { what: 'The test process cannot be started.', why: error.message } }),
    )
    // After the answer the timer ends a process that does not end by itself.
    asked.once('exit', () => clearTimeout(timer))
    asked.once('exit', (code, by) => {
      const ended = (): void => finish(crashed(by === null ? `with code ${code}` : `by ${by}`))
      // The answer may still be on its way: a channel is read to its end before it is closed.
      if (asked.connected) asked.once('disconnect', ended)
      else ended()
    })
    asked.send(question, () => {})
  })
}

/** Without an effect where it has answered before. */
const crashed = (how: string) => ({
  failed: { what: `The test process ended ${how}.`, why: 'The native code that it loaded crashed, or ended it.' },
})
