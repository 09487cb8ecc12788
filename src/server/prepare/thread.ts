// A preparing thread: has a tokenizer of its own, and turns one large body at a time into tasks.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openPreparer } from '../../engine/preparer.js'
import type { Preparer } from '../../engine/requests.js'
import { asQvlError } from '../../errors.js'
import { buffersOf, draftOf, needsMedia, toDrafted } from './drafted.js'
import { finishDraft } from './finish-draft.js'
import { pack } from './pack.js'
import type { Prepared } from './prepared.js'
import { type Answer, type Question, type ThreadStart, toFailure } from './protocol.js'
import { readDraft } from './read-draft.js'

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
  const { maxQueuedTokens: maxTokens } = settings.limits
  const answer = (prepared: Prepared): void => {
    const { packed, transfer } = pack(prepared)
    post({ kind: 'prepared', packed }, transfer)
  }
  const read = ({ route, body }: Extract<Question, { kind: 'read' }>): void => {
    const draft = readDraft(route, body, preparer, settings)
    if (!needsMedia(draft)) {
      answer(finishDraft(draft, preparer, { maxTokens }))
      return
    }
    const drafted = toDrafted(draft)
    post({ kind: 'drafted', drafted }, buffersOf(drafted))
  }
  port.on('message', (question: Question) => {
    try {
      if (question.kind === 'read') read(question)
      else answer(finishDraft(draftOf(question.draft), preparer, { maxTokens, visuals: question.visuals }))
    } catch (error) {
      post({ kind: 'failed', failure: toFailure(asQvlError(error)) })
    }
  })
  post({ kind: 'ready' })
}
