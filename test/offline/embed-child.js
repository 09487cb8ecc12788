// Embeds a file in a process of its own, so that tests can kill it: node embed-child.js INPUT OUTPUT [--resume] [--npy].

import { runEmbedFile } from '#qvl/offline/run-file.js'
import { tinyEngine } from './tiny-engine.js'

const [input, output, ...flags] = process.argv.slice(2)
const summary = await runEmbedFile({
  engine: tinyEngine({ delayMs: 2 }),
  input: input === '-' ? process.stdin : input,
  output: output === '-' ? process.stdout : { file: output },
  format: flags.includes('--npy') ? 'npy' : 'jsonl',
  resume: flags.includes('--resume'),
  saveIntervalMs: 0,
  chunkLimits: { maxTokens: 200, maxLines: 20 },
})
process.stderr.write(`${JSON.stringify(summary)}\n`)
