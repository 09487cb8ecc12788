// The bodies of the requests of a run, written before it where that is cheap to keep.

import type { Backend } from './backends.js'
import type { BenchRequest } from './datasets/dataset.js'

export interface BodyOptions {
  backend: Backend
  /** The model field. */
  model: string
  /** --extra-body. vLLM leaves it out of rerank requests; here it goes into all. */
  extraBody: Readonly<Record<string, unknown>> | undefined
}

/** Throws USAGE for requests that the backend cannot carry. */
export function prepareBodies(
  requests: readonly BenchRequest[],
  options: BodyOptions,
): (index: number) => Buffer | string {
  // Images are kept once, as the dataset has them: a thousand bodies with them would be gigabytes.
  const prepared = requests.map((request, index) =>
    request.media === undefined && request.content === undefined
      ? Buffer.from(bodyText(request, index, options))
      : undefined,
  )
  return (index) => prepared[index] ?? bodyText(requests[index]!, index, options)
}

function bodyText(request: BenchRequest, index: number, { backend, model, extraBody }: BodyOptions): string {
  return JSON.stringify({ model, ...backend.body(request, index), ...extraBody, ...request.body })
}
