// Progress bars at every width: what is beside the bar gives way, and the line never wraps.

import { describe, expect, it } from 'vitest'
import { plainSymbols, richSymbols, widthOf } from '#qvl/cli/panel/line.js'
import { type DownloadState, downloadLine, runLine, sizes } from '#qvl/cli/progress-line.js'

const download: DownloadState = {
  ...{ file: 'model-00001-of-00002.safetensors', received: 1.8e9, total: 4.3e9 },
  ...{ before: 0.8e9, started: 0, ms: 10_000 },
}

describe('a file that is downloaded', () => {
  it.each<[number, string]>([
    [60, 'model-00001-… ██████░░░░░░░░  41 %  1.8 of 4.3 GB, 25 s left'],
    [80, 'model-00001-of-00002.s… █████░░░░░░░  41 %  1.8 of 4.3 GB, 100.0 MB/s, 25 s left'],
    [
      200,
      'model-00001-of-00002.safetensors         █████████████░░░░░░░░░░░░░░░░░  41 %  1.8 of 4.3 GB, 100.0 MB/s, 25 s left',
    ],
  ])('at %i columns', (columns, expected) => {
    expect(downloadLine(download, columns, richSymbols)).toBe(expected)
  })

  it.each([
    ['without a length', { total: undefined }, /1\.8 GB, 100\.0 MB\/s$/],
    ['before the first byte', { received: 0.8e9 }, /800\.0 MB of 4\.3 GB$/],
    ['an empty file', { received: 0, total: 0, before: 0 }, /0 % {2}0\.0 of 0\.0 MB$/],
  ])('%s', (_, changes, expected) => {
    expect(downloadLine({ ...download, ...changes }, 120, richSymbols)).toMatch(expected)
  })
})

describe('a run', () => {
  const parts = ['512 of 1,000 requests', '51.2 req/s', '10,240 tok/s', '488 running', 'p50 8.3 ms', '12 failed']

  it.each<[number, string]>([
    [200, `███████████████░░░░░░░░░░░░░░░  51 %  ${parts.join(', ')}`],
    [80, '███████░░░░░░░  51 %  512 of 1,000 requests, 51.2 req/s, 10,240 tok/s, 12 failed'],
    [60, '██████████░░░░░░░░░░  51 %  512 of 1,000 requests, 12 failed'],
  ])('leaves out what has no room at %i columns', (columns, expected) => {
    expect(runLine(parts, 0.512, columns, richSymbols)).toBe(expected)
  })

  it('of a pipe has no bar', () => {
    expect(runLine(['3 lines', '40 tokens', '9 tok/s'], undefined, 80, richSymbols)).toBe('3 lines, 40 tokens, 9 tok/s')
  })
})

it('no line is wider than the terminal', () => {
  const parts = ['千问 of 1,000 requests', '51.2 req/s', '12 failed']
  for (let columns = 1; columns <= 220; columns++) {
    for (const symbols of [richSymbols, plainSymbols]) {
      const lines = [
        downloadLine({ ...download, file: '千问/模型.safetensors' }, columns, symbols),
        runLine(parts, 1, columns, symbols),
        runLine(parts, undefined, columns, symbols),
      ]
      expect(lines.filter((line) => widthOf(line) > columns)).toEqual([])
    }
  }
})

it.each<[number, number | undefined, string]>([
  [5e6, 20e6, '5.0 of 20.0 MB'],
  [5e6, 2e9, '5.0 MB of 2.0 GB'],
  [5e6, undefined, '5.0 MB'],
])('%d of %d bytes are %s', (received, total, expected) => {
  expect(sizes(received, total)).toBe(expected)
})
