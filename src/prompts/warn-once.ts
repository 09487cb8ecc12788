// A warning that is given the first time only: a file of a million wrapped lines deserves one line of warning.

export function warnOnce(warn: ((message: string) => void) | undefined, message: string): () => void {
  let given = false
  return () => {
    if (given) return
    given = true
    warn?.(message)
  }
}

export const wrappedPair =
  "A query or document arrived already wrapped in the model's prompt template; it was unwrapped, and the template was " +
  'added once. Send bare texts: the template is always added here.'

export const wrappedChat =
  "An input arrived already wrapped in the model's chat template; it was unwrapped, and the template was added once. " +
  'Send bare texts: the template is always added here.'
