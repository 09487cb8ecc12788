// A queue before the preparing threads: drops what its client no longer wants, and replaces a thread that ended.

import { asQvlError, QvlError } from '../../errors.js'
import { PreparingThread } from './preparing-thread.js'
import type { Outcome, Question, ThreadStart } from './protocol.js'

/**
 * A thread cannot be interrupted while it tokenises. One that works on for so long after its client has left is ended
 * and replaced, so that a hostile text cannot keep it.
 */
const defaultMaxAbandonedMs = 5_000

export interface ThreadPoolOptions {
  numThreads: number
  /** Bodies that may wait for a thread or be in one. */
  maxWaiting: number
  /** Milliseconds a thread may work on for a client that has left. */
  maxAbandonedMs?: number
  start: ThreadStart
  /** For the log: a thread ended, or the model has something to say. */
  warn: (message: string) => void
}

interface Job {
  question: Question
  signal: AbortSignal
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

export class ThreadPool {
  readonly #options: ThreadPoolOptions
  readonly #threads = new Set<PreparingThread>()
  readonly #jobs: Job[] = []
  /** Called when there is a job, or when the pool closes; one for each idle thread. */
  readonly #idle: (() => void)[] = []
  #numRunning = 0
  #closed = false

  constructor(options: ThreadPoolOptions) {
    this.#options = options
  }

  /** Starts the threads. Throws what the first one throws that cannot open the model. */
  async open(): Promise<void> {
    const starting = Array.from({ length: this.#options.numThreads }, () => this.#start())
    for (const thread of await Promise.all(starting)) void this.#serve(thread)
  }

  get numWaiting(): number {
    return this.#jobs.length + this.#numRunning
  }

  async run(question: Question, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted()
    if (this.#closed) throw closing()
    if (this.numWaiting >= this.#options.maxWaiting) throw tooManyWaiting(this.#options.maxWaiting)
    let leave: (() => void) | undefined
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        const job: Job = { question, signal, resolve, reject }
        leave = () => this.#leave(job)
        signal.addEventListener('abort', leave)
        this.#jobs.push(job)
        this.#idle.shift()?.()
      })
    } finally {
      if (leave !== undefined) signal.removeEventListener('abort', leave)
    }
  }

  /** Ends the threads at once. Closing twice is fine. */
  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#jobs.splice(0)) job.reject(closing())
    for (const wake of this.#idle.splice(0)) wake()
    await Promise.all([...this.#threads].map((thread) => thread.close()))
  }

  #leave(job: Job): void {
    const index = this.#jobs.indexOf(job)
    if (index >= 0) this.#jobs.splice(index, 1)
    job.reject(job.signal.reason)
  }

  async #start(): Promise<PreparingThread> {
    const thread = new PreparingThread(this.#options.start, this.#options.warn)
    this.#threads.add(thread)
    void thread.ended.then(() => this.#threads.delete(thread))
    await thread.ready
    return thread
  }

  /** The life of one thread and of those that take its place. */
  async #serve(first: PreparingThread): Promise<void> {
    let thread: PreparingThread | undefined = first
    for (let job = await this.#nextJob(); job !== undefined; job = await this.#nextJob()) {
      try {
        if (thread === undefined || thread.hasEnded) thread = await this.#start()
        job.resolve(await this.#ask(thread, job))
      } catch (error) {
        job.reject(this.#closed ? closing() : error)
      }
      this.#numRunning--
      if (thread?.hasEnded) thread = await this.#replace()
    }
  }

  async #nextJob(): Promise<Job | undefined> {
    while (this.#jobs.length === 0 && !this.#closed) await new Promise<void>((wake) => this.#idle.push(wake))
    const job = this.#jobs.shift()
    if (job !== undefined) this.#numRunning++
    return job
  }

  async #ask(thread: PreparingThread, { question, signal }: Job): Promise<Outcome> {
    const { maxAbandonedMs = defaultMaxAbandonedMs } = this.#options
    // The client may have left while a new thread was starting.
    signal.throwIfAborted()
    let timer: NodeJS.Timeout | undefined
    const abandon = (): void => {
      timer = setTimeout(() => void thread.close(), maxAbandonedMs)
    }
    signal.addEventListener('abort', abandon)
    try {
      return await thread.ask(question)
    } finally {
      signal.removeEventListener('abort', abandon)
      clearTimeout(timer)
    }
  }

  /** Absent when it cannot start either: the next body tries again. */
  async #replace(): Promise<PreparingThread | undefined> {
    if (this.#closed) return undefined
    const { warn } = this.#options
    warn('A thread that prepares large requests ended; another one is started.')
    try {
      return await this.#start()
    } catch (error) {
      warn(`The thread that prepares large requests did not start again: ${asQvlError(error).message}`)
      return undefined
    }
  }
}

const closing = (): QvlError =>
  new QvlError('NOT_READY', { what: 'The server is shutting down.', do: 'Send the request to another server.' })

const tooManyWaiting = (maxWaiting: number): QvlError =>
  new QvlError('ENGINE_OVERLOADED', {
    what: 'Too many large requests are being read.',
    why: `At most ${maxWaiting} may wait for it.`,
    do: 'Send it again later.',
  })
