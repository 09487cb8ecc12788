// Tokens as servers of many makes report them.

import { describe, expect, it } from 'vitest'
import { type AnswerHeaders, readAnswer } from '#qvl/bench/load/answer.js'

const usage = { prompt_tokens: 12, total_tokens: 12 }
const cached = { ...usage, prompt_tokens_details: { cached_tokens: 5 } }
/** Longer than what is parsed whole. */
const numbers = Array.from({ length: 20_000 }, (_, index) => index / 7)
const texts = ['usage', '"usage"', 'a \\ "usage": {', '\\', '{[', ']}'].map((text) => ({ text }))
const padding = 'x'.repeat(70_000)

const check = (body: string, headers: AnswerHeaders = {}) => readAnswer(headers, [Buffer.from(body)])

describe('readAnswer', () => {
  it.each<[string, unknown, unknown]>([
    ['vLLM', { object: 'list', data: [{ embedding: [1, 2] }], usage }, { prompt: 12, cached: undefined }],
    ['details', { usage: cached }, { prompt: 12, cached: 5 }],
    ['null details', { usage: { ...usage, prompt_tokens_details: null } }, { prompt: 12, cached: undefined }],
    ['a total only', { usage: { total_tokens: 193 } }, { prompt: 193, cached: undefined }],
    ['no usage', { results: [] }, { prompt: 0, cached: undefined }],
    ['usage that is no object', { usage: 3 }, { prompt: 0, cached: undefined }],
    ['SGLang rerank', [{ score: 0.5, index: 0, meta_info: null }], { prompt: 0, cached: undefined }],
    [
      'SGLang counts',
      [{ meta_info: { prompt_tokens: 4 } }, { meta_info: { prompt_tokens: 6 } }],
      { prompt: 10, cached: undefined },
    ],
    ['a long answer, usage last', { data: numbers, usage: cached }, { prompt: 12, cached: 5 }],
    ['a long answer, usage first', { usage, data: numbers }, { prompt: 12, cached: undefined }],
    ['a long answer without usage', { data: numbers }, { prompt: 0, cached: undefined }],
    ['a long array', numbers, { prompt: 0, cached: undefined }],
    ['a long answer with traps', { results: [...texts, padding], usage }, { prompt: 12, cached: undefined }],
    [
      'traps after usage',
      { usage, usage2: { usage: { prompt_tokens: 1 } }, padding },
      { prompt: 12, cached: undefined },
    ],
    ['a text before usage', { id: 'usage', padding, usage }, { prompt: 12, cached: undefined }],
  ])('%s', (_, body, expected) => {
    expect(check(JSON.stringify(body))).toEqual(expected)
    expect(check(JSON.stringify(body, null, 2))).toEqual(expected)
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['a word', 'garbage'],
    ['half an answer', '{"usage":{"prompt_tokens":1}'],
    ['a number', '3'],
    ['half a long answer', `{"data":[${numbers.join(',')}`],
    ['a long answer with an open string', `{"data":"${padding}`],
    ['a long answer and more', `{"data":"${padding}"}}`],
    ['a long usage that is no JSON', `{"data":"${padding}","usage":{"prompt_tokens":}}`],
    ['a long page', `<html>${padding}`],
  ])('%s is refused', (_, body) => {
    expect(check(body)).toBeUndefined()
  })

  it('reads headers where the body is no JSON or says nothing', () => {
    expect(check('\u0000\u0001', { metadata: JSON.stringify({ usage }) })).toEqual({ prompt: 12, cached: undefined })
    expect(check('\u0000', { 'content-type': 'application/octet-stream' })).toEqual({ prompt: 0, cached: undefined })
    expect(check('[[0.1]]', { 'x-compute-tokens': '9' })).toEqual({ prompt: 9, cached: undefined })
  })

  it('joins chunks, also within a character', () => {
    const bytes = Buffer.from(JSON.stringify({ text: 'é', usage }))
    const at = bytes.indexOf(0xc3) + 1
    expect(readAnswer({}, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual({ prompt: 12, cached: undefined })
  })
})
