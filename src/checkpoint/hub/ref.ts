// Names that reach paths and URLs: model references, revisions, and the file names a server lists.

import { QvlError } from '../../errors.js'
import { quoteName } from '../quote-name.js'

/** A repository on a hub. */
export interface HubId {
  /** As the user wrote it: `org/name`, or `name` alone. */
  text: string
  org: string | undefined
  name: string
}

// The hub's own limit for each part of a name.
const maxPartLength = 96
// `--` separates the parts in cache folder names; `..` would climb out of them.
const part = /^(?![-.])(?!.*(?:--|\.\.))[A-Za-z0-9._-]+(?<![-.])$/
const maxRevisionLength = 200
const revisionSegment = /^(?![-.])(?!.*\.\.)[A-Za-z0-9._+@-]+$/
const commit = /^[0-9a-f]{40}$/

/** The repository `ref` names. Throws MODEL_REF_INVALID; nothing on disk is touched. */
export function parseHubId(ref: string): HubId {
  const parts = ref.split('/')
  const [first, second] = parts
  const valid = parts.length <= 2 && parts.every((each) => each.length <= maxPartLength && part.test(each))
  if (!valid || first === undefined) throw invalidRef(ref)
  return second === undefined ? { text: ref, org: undefined, name: first } : { text: ref, org: first, name: second }
}

/** Check a branch, tag, commit or `refs/pr/1`. Throws MODEL_REF_INVALID. */
export function checkRevision(revision: string): string {
  const valid =
    revision.length <= maxRevisionLength && revision.split('/').every((segment) => revisionSegment.test(segment))
  if (valid) return revision
  throw new QvlError('MODEL_REF_INVALID', {
    what: `The revision ${quoteName(revision)} is not usable.`,
    why: 'A revision is a branch, a tag or a commit, of letters, digits and . _ - + @ / signs.',
    do: 'Pass a revision such as main.',
    param: 'revision',
  })
}

/** A full commit never changes, so that a complete copy of it needs no check. */
export function isCommit(revision: string): boolean {
  return commit.test(revision)
}

/** Whether a file name from a server stays inside the folder it is put in. */
export function isInside(path: string): boolean {
  if (path.includes('\\') || path.includes('\0')) return false
  return path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..')
}

function invalidRef(ref: string): QvlError {
  const why = looksLikePath(ref)
    ? 'There is no folder at this path, and it is not the name of a model on a hub either.'
    : `A model on a hub is named org/name, each part of at most ${maxPartLength} letters, digits, ".", "_" and "-".`
  return new QvlError('MODEL_REF_INVALID', {
    what: `${quoteName(ref)} names no model.`,
    why,
    do: 'Pass a folder that holds config.json, or a name such as Qwen/Qwen3-Embedding-0.6B.',
    param: 'model',
  })
}

function looksLikePath(ref: string): boolean {
  return /^[./~]|\\|^[A-Za-z]:|\/.*\//.test(ref)
}
