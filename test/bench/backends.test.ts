// What each backend sends.

import { describe, expect, it } from 'vitest'
import { type BackendName, backendNames, backendOf, chooseBackend } from '#qvl/bench/backends.js'
import { prepareBodies } from '#qvl/bench/bodies.js'
import type { BenchRequest, MediaPart } from '#qvl/bench/datasets/dataset.js'
import { QvlError } from '#qvl/errors.js'

const image: MediaPart = { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,AA==' } }
const video: MediaPart = { type: 'video_url', video_url: { url: 'data:video/mp4;base64,AA==' } }
const text: BenchRequest = { prompt: 'a text', promptLen: 2 }
const list: BenchRequest = { prompt: ['q', 'd1', 'd2'], promptLen: 3 }
const seen: BenchRequest = { ...text, media: [image] }
const cut = { truncate_prompt_tokens: -1 }

/** The first body of a run, as JSON text: the order of the fields counts. */
function bodyOf(name: BackendName, request: BenchRequest, extraBody?: Record<string, unknown>, index = 0): string {
  const requests = Array.from({ length: index + 1 }, () => request)
  return String(prepareBodies(requests, { backend: backendOf(name), model: 'm', extraBody })(index))
}

const chat = (...content: object[]) => ({ model: 'm', messages: [{ role: 'user', content }], ...cut })
const textPart = (value: string) => ({ type: 'text' as const, text: value })

describe('bodies', () => {
  it.each<[BackendName, string, BenchRequest, object]>([
    ['vllm-rerank', 'pairs', list, { model: 'm', query: 'q', documents: ['d1', 'd2'], ...cut }],
    [
      'vllm-rerank',
      'media with the first document',
      { ...list, media: [image] },
      { model: 'm', query: 'q', documents: [{ content: [textPart('d1'), image] }, 'd2'], ...cut },
    ],
    ['openai-embeddings', 'a text', text, { model: 'm', input: 'a text', ...cut }],
    ['openai-embeddings', 'a list', list, { model: 'm', input: ['q', 'd1', 'd2'], ...cut }],
    ['vllm-pooling', 'a text', text, { model: 'm', ...cut, input: 'a text' }],
    ['openai-embeddings-chat', 'a text', text, chat(textPart('a text'))],
    ['openai-embeddings-chat', 'an image', seen, chat(textPart('a text'), image)],
    [
      'openai-embeddings-chat',
      'content of a file',
      { ...text, content: [image, textPart('then')] },
      chat(image, textPart('then')),
    ],
    ['openai-embeddings-clip', 'a text', text, chat(textPart('a text'))],
    ['openai-embeddings-clip', 'an image', seen, chat(textPart(''), image)],
    ['openai-embeddings-vlm2vec', 'a text', text, chat(textPart('a text'))],
    ['openai-embeddings-vlm2vec', 'an image', seen, chat(image, textPart('Represent the given image.'))],
    ['infinity-embeddings', 'a text', seen, { model: 'm', input: 'a text' }],
    [
      'infinity-embeddings',
      'a video alone',
      { prompt: '', promptLen: 0, media: [video] },
      { model: 'm', input: video.video_url.url, modality: 'video' },
    ],
    ['infinity-embeddings-clip', 'an image', seen, { model: 'm', input: image.image_url.url, modality: 'image' }],
  ])('%s: %s', (name, _, request, expected) => {
    expect(bodyOf(name, request)).toBe(JSON.stringify(expected))
  })

  it('vlm2vec asks a question every other time', () => {
    const question = textPart('Represent the given image with the following question: a text')
    expect(bodyOf('openai-embeddings-vlm2vec', seen, undefined, 1)).toBe(JSON.stringify(chat(image, question)))
  })

  it('a row beats --extra-body, which beats the backend, also for rerank', () => {
    const request = { ...list, body: { a: 1 } }
    const extra = { a: 2, b: 3, truncate_prompt_tokens: 8 }
    expect(JSON.parse(bodyOf('vllm-rerank', request, extra))).toMatchObject({ a: 1, b: 3, truncate_prompt_tokens: 8 })
  })

  it.each<[string, BackendName, BenchRequest]>([
    ['one text for rerank', 'vllm-rerank', text],
    ['several texts for chat', 'openai-embeddings-chat', list],
  ])('%s is refused', (_, name, request) => {
    expect(() => bodyOf(name, request)).toThrow(QvlError)
  })
})

describe('chooseBackend', () => {
  it('follows the dataset', () => {
    expect(chooseBackend('auto', 'random')).toBe('openai-embeddings')
    expect(chooseBackend('auto', 'random-rerank')).toBe('vllm-rerank')
    expect(chooseBackend('auto', 'random-mm')).toBe('openai-embeddings-chat')
    expect(chooseBackend('vllm-pooling', 'random')).toBe('vllm-pooling')
  })

  it.each(['vllm', 'openai', 'openai-chat', 'openai-audio'])('refuses %s, which writes text', (name) => {
    expect(backendNames).toContain(name)
    expect(() => chooseBackend(name, 'random')).toThrow(/--backend .* is not something qvl measures/)
  })
})
