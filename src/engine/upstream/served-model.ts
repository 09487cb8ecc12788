// What a replica says it serves, against what it must.

import { QvlError } from '../../errors.js'
import { isObject } from './http-answer.js'

/** What every replica must serve. */
export interface Expected {
  name: string
  maxModelLen: number
}

interface Served {
  id: unknown
  root: unknown
  maxModelLen: number | undefined
}

/** Undefined when the answer to /v1/models has the model, with a limit that is long enough. */
export function wrongModel(url: string, body: unknown, { name, maxModelLen }: Expected): QvlError | undefined {
  const served = servedModels(body)
  const found = served.find(({ id, root }) => id === name || root === name)
  if (found === undefined) return otherModel(url, served, name)
  const { maxModelLen: theirs } = found
  return theirs !== undefined && theirs < maxModelLen ? shorter(url, theirs, maxModelLen) : undefined
}

function servedModels(body: unknown): Served[] {
  const data = isObject(body) && Array.isArray(body.data) ? body.data : []
  return data.filter(isObject).map(({ id, root, max_model_len: length }) => ({
    id,
    root,
    maxModelLen: typeof length === 'number' ? length : undefined,
  }))
}

const otherModel = (url: string, served: readonly Served[], name: string): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: `${url} does not serve ${name}.`,
    why: `It serves ${served.map(({ id }) => String(id)).join(', ') || 'no model'}.`,
    do: 'Correct --upstream, or say with --served-upstream-model what the replicas call the model.',
    param: '--upstream',
  })

const shorter = (url: string, theirs: number, ours: number): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: `${url} takes prompts of ${theirs} tokens, and this server takes ${ours}.`,
    why: 'A prompt in between would be refused there.',
    do: `Add --max-model-len ${theirs} here, or raise the limit of the replica.`,
    param: '--max-model-len',
  })

export const keyRefused = (url: string): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: `${url} refuses the key.`,
    why: 'It asks for one, and the one given is missing or another.',
    do: 'Give it with --upstream-api-key-file or UPSTREAM_API_KEY.',
    param: '--upstream-api-key-file',
  })
