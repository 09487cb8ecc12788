// A preparing thread: has a tokenizer of its own, and turns one large body at a time into tasks.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openPreparer } from '../../engine/preparer.js'
import type { Preparer } from '../../engine/requests.js'
import { asQvlError } from '../../errors.js'
import { pack } from './pack.js'
import { prepareBody } from './plan.js'
import { type Answer, type Question, type ThreadStart, toFailure } from './protocol.js'

if (parentPort !== null) await serve(parentPort, workerData)

async function serve(port: MessagePort, { preparer: options, settings }: ThreadStart): Promise<void> {
  const post = (answer: Answer, transfer: ArrayBuffer[] = []): void => port.postMessage(answer, transfer)
  const warn = (message: string): void => post({ kind: 'warning', message })
  let preparer: Preparer
  try {
    preparer = await openPreparer(options, warn)
  } catch (error) {
    post({ kind: 'notReady', failure: toFailure(asQvlError(error)) })
    return
  }
  port.on('message', ({ route, body }: Question) => {
    try {
      const { packed, transfer } = pack(prepareBody(route, body, preparer, settings))
      post({ kind: 'prepared', packed }, transfer)
    } catch (error) {
      post({ kind: 'failed', failure: toFailure(asQvlError(error)) })
    }
  })
  post({ kind: 'ready' })
}
