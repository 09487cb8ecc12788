// The worker thread of one loaded program. ONNX Runtime blocks its thread while it loads and runs, so it lives here.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { env, InferenceSession, Tensor } from 'onnxruntime-node'
import { QvlError } from '../../errors.js'
import type { ProgramInputs, ProgramOutputs } from '../../program/program.js'
import { type Feed, makeFeeds } from '../onnx/feeds.js'
import type { LoweredProgram } from '../onnx/lower.js'
import { Gate } from './gate.js'
import { type Answer, buffersOf, type Question, toFailure, type WorkerStart } from './protocol.js'
import { provider } from './provider.js'

if (parentPort !== null) await serve(parentPort, workerData)

async function serve(port: MessagePort, { lowered, threads, gate: cell }: WorkerStart): Promise<void> {
  const gate = new Gate(cell)
  const session = await gate.pass(() => loadSession(port, lowered, threads))
  if (session === undefined) return
  const handle = (question: Question): Promise<void> =>
    question.kind === 'run' ? answerRun(port, session, lowered, question) : end(port, session)
  let last = Promise.resolve()
  port.on('message', (question: Question) => {
    last = last.then(() => gate.pass(() => handle(question)))
  })
  port.postMessage({ kind: 'loaded' } satisfies Answer)
}

async function loadSession(
  port: MessagePort,
  { model, weightFolder }: LoweredProgram,
  threads: number,
): Promise<InferenceSession | undefined> {
  // Errors are reported to the main thread; the runtime's own lines on stderr would be a second, worse report.
  env.logLevel = 'fatal'
  try {
    return await InferenceSession.create(model, sessionOptions(weightFolder, threads))
  } catch (error) {
    port.postMessage({ kind: 'loadFailed', failure: toFailure(error, loadFailed) } satisfies Answer)
    return undefined
  }
}

async function answerRun(
  port: MessagePort,
  session: InferenceSession,
  lowered: LoweredProgram,
  { id, inputs }: Extract<Question, { kind: 'run' }>,
): Promise<void> {
  try {
    const outputs = await run(session, lowered, inputs)
    const buffers = buffersOf(Object.values(outputs).map(({ data }) => data))
    port.postMessage({ kind: 'outputs', id, outputs } satisfies Answer, buffers)
  } catch (error) {
    port.postMessage({ kind: 'failed', id, failure: toFailure(error, runFailed) } satisfies Answer)
  }
}

async function end(port: MessagePort, session: InferenceSession): Promise<void> {
  await session.release()
  port.close()
}

function sessionOptions(weightFolder: string | undefined, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Every batch has other shapes, so a remembered memory layout would not fit the next one.
    enableMemPattern: false,
    enableCpuMemArena: true,
    logSeverityLevel: 4,
    extra: {
      session: {
        ...(weightFolder === undefined ? {} : { model_external_initializers_file_folder_path: weightFolder }),
        // Threads that spin while they wait take the processor from other work, and gained nothing when measured.
        intra_op: { allow_spinning: '0' },
      },
    },
  }
}

/** Within a run the arena saves page faults; after it, the memory goes back, so that one large batch does not keep it. */
const runOptions = { extra: { memory: { enable_memory_arena_shrinkage: 'cpu:0' } } }

async function run(session: InferenceSession, lowered: LoweredProgram, inputs: ProgramInputs): Promise<ProgramOutputs> {
  const feeds = [...makeFeeds(lowered, inputs)].map(([name, feed]) => [name, toTensor(feed)] as const)
  const results = await session.run(Object.fromEntries(feeds), runOptions)
  return Object.fromEntries(
    lowered.outputs.map(({ name, output }) => {
      const { dims, data } = results[output]!
      if (!(data instanceof Float32Array)) throw new TypeError(`output ${name} is not float32`)
      // A copy, because the runtime's memory cannot be transferred.
      return [name, { rows: dims[0]!, width: dims[1]!, data: Float32Array.from(data) }]
    }),
  )
}

const toTensor = (feed: Feed): Tensor =>
  feed.type === 'float32' ? new Tensor('float32', feed.data, feed.dims) : new Tensor('int32', feed.data, feed.dims)

const loadFailed = new QvlError('DEVICE_FAILED', {
  what: 'ONNX Runtime could not load the model.',
  why: 'There may be too little memory, or a weight file changed while it was read.',
  do: 'Free memory, or check the checkpoint; --debug shows the reason that the runtime gave.',
})

const runFailed = new QvlError('DEVICE_FAILED', {
  what: 'ONNX Runtime failed while it computed a batch.',
  why: 'There may be too little memory for a batch of this size.',
  do: 'Use smaller batches; --debug shows the reason that the runtime gave.',
})
