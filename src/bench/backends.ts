// The servers a benchmark knows: where each is asked, and what the body of a request is.

import { QvlError } from '../errors.js'
import type { BenchRequest, DatasetName, MediaPart } from './datasets/dataset.js'

export interface Backend {
  /** What the address ends in. */
  suffix: 'rerank' | 'embeddings' | 'pooling'
  /** Where the address leads when --endpoint is absent. */
  endpoint: string
  /** The body without the model. `index` is the request's number in the run. */
  body(request: BenchRequest, index: number): JsonBody
}

export type JsonBody = Readonly<Record<string, unknown>>

/** Makes a server cut what is too long, so that no request of a run is refused for its length. */
const truncate = { truncate_prompt_tokens: -1 }

const embeddings = { suffix: 'embeddings', endpoint: '/v1/embeddings' } as const

const backends = {
  'vllm-rerank': { suffix: 'rerank', endpoint: '/v1/rerank', body: rerankBody },
  'openai-embeddings': { ...embeddings, body: ({ prompt }) => ({ input: prompt, ...truncate }) },
  'openai-embeddings-chat': { ...embeddings, body: (request) => chatBody(request.content ?? textThenMedia(request)) },
  'openai-embeddings-clip': { ...embeddings, body: (request) => chatBody(clipContent(request)) },
  'openai-embeddings-vlm2vec': { ...embeddings, body: (request, index) => chatBody(vlm2vecContent(request, index)) },
  'infinity-embeddings': { ...embeddings, body: infinityBody },
  'infinity-embeddings-clip': { ...embeddings, body: (request) => infinityBody(withoutTextOfMedia(request)) },
  'vllm-pooling': { suffix: 'pooling', endpoint: '/pooling', body: ({ prompt }) => ({ ...truncate, input: prompt }) },
} as const satisfies Record<string, Backend>

export type BackendName = keyof typeof backends

/** vLLM's backends of servers that write text. */
const generative = ['vllm', 'openai', 'openai-chat', 'openai-audio'] as const

const isBackendName = (name: string): name is BackendName => Object.hasOwn(backends, name)

const ownNames = Object.keys(backends).filter(isBackendName)

/** Every name of vLLM; those that write text are refused with a sentence of their own. */
export const backendNames = [...ownNames, ...generative] as const

export const backendOf = (name: BackendName): Backend => backends[name]

/** `auto` follows the dataset. Throws USAGE. */
export function chooseBackend(name: string, dataset: DatasetName): BackendName {
  if (name === 'auto') return dataset === 'random-rerank' ? 'vllm-rerank' : datasetBackend(dataset)
  if (isBackendName(name)) return name
  throw new QvlError('USAGE', {
    what: `--backend ${name} is not something qvl measures.`,
    why: 'It is for servers that write text; qvl measures those that embed and score.',
    do: `Use one of: ${ownNames.join(', ')}.`,
    param: '--backend',
  })
}

const datasetBackend = (dataset: DatasetName): BackendName =>
  dataset === 'random-mm' || dataset === 'custom_image' ? 'openai-embeddings-chat' : 'openai-embeddings'

/** Query and documents; media goes with the first document. */
function rerankBody({ prompt, media, content }: BenchRequest): JsonBody {
  const [query, ...documents] = typeof prompt === 'string' ? [prompt] : prompt
  const [first, ...others] = documents
  if (query === undefined || (first === undefined && content === undefined)) {
    throw new QvlError('USAGE', {
      what: 'A request of this dataset has no documents.',
      why: '--backend vllm-rerank sends a query and its documents.',
      do: 'Use --dataset-name random-rerank, or --no-reranker with a backend of embeddings.',
      param: '--dataset-name',
    })
  }
  const filled = content ?? (media === undefined ? undefined : textThenMedia({ prompt: first ?? '', media }))
  return { query, documents: filled === undefined ? documents : [{ content: filled }, ...others], ...truncate }
}

type Content = NonNullable<BenchRequest['content']>

const chatBody = (content: Content): JsonBody => ({ messages: [{ role: 'user', content }], ...truncate })

function textThenMedia({ prompt, media = [] }: Pick<BenchRequest, 'prompt' | 'media'>): Content {
  return [{ type: 'text', text: oneText(prompt) }, ...media]
}

/** CLIP takes a text or an image, so that the text of an image goes away. */
const clipContent = (request: BenchRequest): Content => textThenMedia(withoutTextOfMedia(request))

const withoutTextOfMedia = (request: BenchRequest): BenchRequest =>
  request.media === undefined ? request : { ...request, prompt: '' }

/** The sentences of TIGER-Lab/VLM2Vec: images alone, and every other time an image with a question. */
function vlm2vecContent({ prompt, media = [] }: BenchRequest, index: number): Content {
  const question = `Represent the given image with the following question: ${oneText(prompt)}`
  const text = index % 2 === 0 ? 'Represent the given image.' : question
  return [...media, { type: 'text', text: media.length === 0 ? oneText(prompt) : text }]
}

/** A text, or the address of one image or video. */
function infinityBody({ prompt, media }: BenchRequest): JsonBody {
  const part = media?.[0]
  if (prompt.length > 0 || part === undefined) return { input: prompt }
  return { input: mediaUrl(part), modality: part.type === 'image_url' ? 'image' : 'video' }
}

const mediaUrl = (part: MediaPart): string => (part.type === 'image_url' ? part.image_url.url : part.video_url.url)

function oneText(prompt: BenchRequest['prompt']): string {
  if (typeof prompt === 'string') return prompt
  if (prompt.length === 1) return prompt[0]!
  throw new QvlError('USAGE', {
    what: 'A request of this dataset has several texts.',
    why: 'A backend of chat messages sends one.',
    do: 'Use --backend openai-embeddings, or --random-batch-size 1.',
    param: '--backend',
  })
}
