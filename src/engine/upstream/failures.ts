// What is said when replicas do not do what they should.

import { QvlError } from '../../errors.js'
import type { HttpAnswer } from './http-answer.js'

export const noneReady = (): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: 'No replica is ready.',
    why: 'None of the addresses of --upstream answers, or all are starting or draining.',
    do: 'Start one, or try again later.',
  })

export const notQvl = (): QvlError =>
  new QvlError('NOT_IMPLEMENTED', {
    what: 'This prompt cannot be sent to the replicas.',
    why: 'Beside token ids vLLM takes neither images nor the second text of a pair; only qvl serve does.',
    do: 'Send it to a replica directly, add a replica of qvl serve, or serve the model here without --upstream.',
  })

export const failedAt = (url: string, why: string, cause?: unknown): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: `The replica ${url} failed.`,
    why,
    do: 'Try again later, and look into the log of the replica.',
    cause,
  })

export const allBusy = (url: string): QvlError =>
  new QvlError('ENGINE_OVERLOADED', {
    what: 'All replicas are busy.',
    why: `The last one asked, ${url}, takes no more requests at present.`,
    do: 'Try again later, or add a replica.',
  })

/** The prompt was checked here, so this is about the two servers and not about the client's request. */
export const refused = (url: string, { status, body }: HttpAnswer): QvlError =>
  new QvlError('ENGINE_ITEM_FAILED', {
    what: `The replica ${url} refused a prompt with status ${status}.`,
    why: 'It serves the model in another way than this server expects.',
    do: 'Compare the model, its task and its limits on both sides.',
    cause: body,
  })

export const closed = (): QvlError =>
  new QvlError('NOT_READY', {
    what: 'The model has been closed.',
    why: 'It answers no more requests.',
    do: 'Open it again.',
  })
