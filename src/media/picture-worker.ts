// A worker thread that resizes pictures and cuts them into patches, one job after the other.

import { parentPort } from 'node:worker_threads'
import { buffersOfResult, doPictureWork, type PictureWork } from './picture-work.js'

export interface PictureQuestion {
  id: number
  work: PictureWork
}

export type PictureAnswer = { id: number; result: ReturnType<typeof doPictureWork> } | { id: number; error: unknown }

const port = parentPort
port?.on('message', ({ id, work }: PictureQuestion) => {
  try {
    const result = doPictureWork(work)
    port.postMessage({ id, result } satisfies PictureAnswer, buffersOfResult(result))
  } catch (error) {
    port.postMessage({ id, error } satisfies PictureAnswer)
  }
})
