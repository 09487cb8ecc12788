// Worker threads for pictures: each takes one job at a time, so that what waits can still be cancelled.

import { Worker } from 'node:worker_threads'
import { QvlError } from '../errors.js'
import { buffersOfWork, type PictureResult, type PictureWork } from './picture-work.js'
import type { PictureAnswer, PictureQuestion } from './picture-worker.js'

interface Job {
  work: PictureWork
  signal: AbortSignal | undefined
  resolve(result: never): void
  reject(error: unknown): void
}

export class PictureWorkers implements AsyncDisposable {
  readonly #maxWorkers: number
  readonly #idle: Worker[] = []
  readonly #running = new Map<Worker, Job>()
  readonly #waiting: Job[] = []
  #closed = false

  /** Threads start when they are needed. */
  constructor(maxWorkers: number) {
    this.#maxWorkers = maxWorkers
  }

  /** What the work refers to moves to the worker, and is empty here afterwards. Rejects with the signal's reason. */
  run<Work extends PictureWork>(work: Work, signal?: AbortSignal): Promise<PictureResult<Work>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, signal, resolve, reject })
      this.#next()
    })
  }

  /** Jobs that have not ended are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#waiting.splice(0)) job.reject(closed())
    for (const job of this.#running.values()) job.reject(closed())
    const workers = [...this.#idle.splice(0), ...this.#running.keys()]
    await Promise.all(workers.map((worker) => worker.terminate()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #next(): void {
    if (this.#closed) for (const job of this.#waiting.splice(0)) job.reject(closed())
    const job = this.#waiting.shift()
    if (job === undefined) return
    if (job.signal?.aborted) {
      job.reject(job.signal.reason)
      this.#next()
      return
    }
    const worker = this.#idle.pop() ?? this.#start()
    if (worker === undefined) {
      this.#waiting.unshift(job)
      return
    }
    worker.ref()
    this.#running.set(worker, job)
    worker.postMessage({ id: 0, work: job.work } satisfies PictureQuestion, buffersOfWork(job.work))
  }

  #start(): Worker | undefined {
    if (this.#running.size >= this.#maxWorkers) return undefined
    // No thread takes over `node --input-type`, with which a file cannot be run.
    const worker = new Worker(new URL('./picture-worker.js', import.meta.url), { execArgv: [] })
    worker.on('message', (answer: PictureAnswer) => {
      const job = this.#running.get(worker)
      this.#running.delete(worker)
      // An idle thread does not keep the process alive.
      worker.unref()
      this.#idle.push(worker)
      if ('error' in answer) job?.reject(failed(answer.error))
      else job?.resolve(answer.result as never)
      this.#next()
    })
    worker.on('error', (error) => {
      this.#running.get(worker)?.reject(failed(error))
      this.#running.delete(worker)
      this.#next()
    })
    return worker
  }
}

const closed = (): QvlError =>
  new QvlError('CANCELLED', { what: 'The picture was not finished.', why: 'qvl is closing.' })

const failed = (cause: unknown): QvlError =>
  new QvlError('INTERNAL', {
    what: 'A picture could not be prepared.',
    why: 'This is a defect in qvl, or memory ran out.',
    do: 'Send it smaller, and report it with --debug.',
    cause,
  })
