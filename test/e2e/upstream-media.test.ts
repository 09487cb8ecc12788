// Images, videos and pairs through `qvl serve --upstream`: the pixels that were chosen in front are what replicas look at.

import { readFileSync } from 'node:fs'
import { it } from 'vitest'
import { goldenPath } from '../support/golden.js'
import type { Checkpoint } from '../support/server.js'
import { expectSameAnswers } from './upstream-fleet.js'

const image = (name: string): string =>
  `data:image/png;base64,${readFileSync(goldenPath(`media/${name}`)).toString('base64')}`
const frames = ['f00', 'f01', 'f02'].map((frame) => image(`frames/${frame}.png`))

/** Images of several sizes, one of them twice, and videos with an odd number of frames. */
const pictures = [
  { text: 'a pattern', image: image('rgba_80x112.png') },
  { image: [image('rgb_48x48.png'), image('rgba_80x112.png')] },
  { video: frames, text: 'moves' },
  { video: frames.slice(0, 1) },
]
const mm_processor_kwargs = { max_pixels: 4096 }

it.each<[Checkpoint, [string, object][]]>([
  [
    'qwen3-vl-embedding',
    [
      ['/v1/embeddings', { input: ['a text', ...pictures, 'another'] }],
      ['/v1/rerank', { query: pictures[0], documents: pictures }],
    ],
  ],
  [
    'qwen3-vl-reranker',
    [
      ['/v1/rerank', { query: pictures[1], documents: ['a text', ...pictures] }],
      ['/v1/score', { queries: 'a red dot', documents: pictures, mm_processor_kwargs }],
    ],
  ],
])('%s', expectSameAnswers)
