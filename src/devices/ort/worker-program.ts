// A program loaded in a worker thread: posts batches to it and answers when it does.

import { Worker } from 'node:worker_threads'
import { QvlError } from '../../errors.js'
import type { ProgramInputs, ProgramOutputs } from '../../program/program.js'
import { programClosed } from '../closed.js'
import type { Arithmetic, LoadedProgram } from '../device.js'
import { Gate } from './gate.js'
import { type Answer, buffersOf, fromFailure, type Question, type WorkerStart } from './protocol.js'

export interface StartedWorker {
  worker: Worker
  /** The worker does its native work behind it. */
  gate: Gate
}

export function startWorker(start: Omit<WorkerStart, 'gate'>): StartedWorker {
  const gate = new Gate()
  const workerData: WorkerStart = { ...start, gate: gate.cell }
  // No thread takes over `node --input-type`, with which a file cannot be run.
  const options = { workerData, name: 'qvl-onnxruntime', execArgv: [] }
  return { worker: new Worker(new URL('./worker.js', import.meta.url), options), gate }
}

export class WorkerProgram implements LoadedProgram {
  readonly arithmetic: Arithmetic
  /** Settles when the worker has loaded the program, or could not. */
  readonly loaded: Promise<void>
  readonly #worker: Worker
  readonly #exited: Promise<unknown>
  readonly #waiting = new Map<number, Waiting>()
  #numRuns = 0
  /** Why runs are refused: the program was closed, or its worker has ended. */
  #refusal: QvlError | undefined

  constructor({ worker, gate }: StartedWorker, arithmetic: Arithmetic) {
    this.arithmetic = arithmetic
    this.#worker = worker
    const onProcessExit = (): void => gate.shut()
    process.once('exit', onProcessExit)
    // Not `once` from node:events, which rejects on an `error` event.
    this.#exited = new Promise((resolve) => worker.once('exit', resolve))
    this.loaded = new Promise((resolve, reject) => {
      let cause: unknown
      worker.on('message', (answer: Answer) => {
        if (answer.kind === 'loadFailed') reject(fromFailure(answer.failure))
        else if (answer.kind !== 'loaded') this.#settle(answer)
        else {
          worker.unref()
          resolve()
        }
      })
      worker.once('error', (error) => {
        cause = error
      })
      worker.once('exit', () => {
        process.off('exit', onProcessExit)
        this.#refusal ??= workerEnded(cause)
        reject(this.#refusal)
        for (const { reject: rejectRun } of this.#waiting.values()) rejectRun(this.#refusal)
        this.#waiting.clear()
      })
    })
  }

  run(inputs: ProgramInputs): Promise<ProgramOutputs> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal)
    const id = this.#numRuns++
    const copy = copyInputs(inputs)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      // An idle worker must not keep the process alive, and a busy one must.
      this.#worker.ref()
      this.#post({ kind: 'run', id, inputs: copy }, buffersOf(Object.values(copy)))
    })
  }

  async close(): Promise<void> {
    if (this.#refusal === undefined) {
      this.#refusal = programClosed()
      this.#worker.ref()
      this.#post({ kind: 'close' }, [])
    }
    await this.#exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #post(question: Question, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(question, transfer)
  }

  #settle(answer: Extract<Answer, { id: number }>): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0 && this.#refusal === undefined) this.#worker.unref()
    if (answer.kind === 'outputs') waiting?.resolve(answer.outputs)
    else waiting?.reject(fromFailure(answer.failure))
  }
}

interface Waiting {
  resolve(outputs: ProgramOutputs): void
  reject(error: QvlError): void
}

/** Arrays of their own, so that they can be transferred and the caller's stay as they are. */
function copyInputs(inputs: ProgramInputs): ProgramInputs {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, value.slice()]))
}

const workerEnded = (cause: unknown): QvlError =>
  new QvlError('DEVICE_FAILED', {
    what: 'The thread that computes ended before it could answer.',
    why: 'There may be too little memory, or ONNX Runtime failed in a way it could not report.',
    do: 'Free memory or use smaller batches, and start again.',
    cause,
  })
