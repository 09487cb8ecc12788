// The main thread's side of one preparing thread: starts it, asks it one thing at a time, and notices its end.

import { Worker } from 'node:worker_threads'
import { QvlError } from '../../errors.js'
import { type Answer, fromFailure, type Outcome, type Question, type ThreadStart } from './protocol.js'

export class PreparingThread {
  /** Settles when the thread can work, or cannot. */
  readonly ready: Promise<void>
  /** Settles when the thread is gone. */
  readonly ended: Promise<void>
  readonly #worker: Worker
  #hasEnded = false
  #waiting: { resolve(outcome: Outcome): void; reject(error: QvlError): void } | undefined

  constructor(start: ThreadStart, warn: (message: string) => void) {
    this.#worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: start, name: 'qvl-prepare' })
    let cause: unknown
    this.#worker.once('error', (error) => {
      cause = error
    })
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#hasEnded = true
        this.#waiting?.reject(threadEnded(cause))
        this.#waiting = undefined
        resolve()
      })
    })
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (answer: Answer) => {
        if (answer.kind === 'ready') {
          this.#worker.unref()
          resolve()
        } else if (answer.kind === 'notReady') reject(fromFailure(answer.failure))
        else if (answer.kind === 'warning') warn(answer.message)
        else this.#settle(answer)
      })
      this.#worker.once('exit', () => reject(threadEnded(cause)))
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Takes the memory of the body or the draft. Only when the thread is ready and has answered what it was asked before. */
  ask(question: Question): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      // An idle thread must not keep the process alive, and a busy one must.
      this.#worker.ref()
      const { buffer } = question.kind === 'read' ? question.body : question.draft
      this.#worker.postMessage(question, [buffer])
    })
  }

  /** Ends the thread, whatever it is doing. */
  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle(answer: Extract<Answer, { kind: Outcome['kind'] | 'failed' }>): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#worker.unref()
    if (answer.kind === 'failed') waiting?.reject(fromFailure(answer.failure))
    else waiting?.resolve(answer)
  }
}

const threadEnded = (cause: unknown): QvlError =>
  new QvlError('INTERNAL', {
    what: 'The thread that prepares large requests ended before it could answer.',
    why: 'There may be too little memory for a request of this size.',
    do: 'Send smaller requests, or give the server more memory.',
    cause,
  })
