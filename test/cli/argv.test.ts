// Command lines as people write them, and the plain form they become.

import { describe, expect, it } from 'vitest'
import { plainArgv } from '#qvl/cli/argv.js'
import type { Flag } from '#qvl/cli/flag.js'
import { QvlError } from '#qvl/errors.js'

const group = 'Model'
const table: Flag[] = [
  { name: 'model', short: 'm', type: 'string', group, help: '' },
  { name: 'max-model-len', type: 'human-int', min: 1, max: 1e9, group, help: '' },
  { name: 'max-num-seqs', type: 'int', min: 1, max: 1e9, group, help: '' },
  { name: 'random-input-len', type: 'int', min: 1, max: 1e9, group, help: '' },
  { name: 'random-output-len', type: 'int', min: 1, max: 1e9, group, help: '' },
  { name: 'tensor-parallel-size', short: 'tp', type: 'string', group, help: '' },
  { name: 'hf-overrides', type: 'json', orNone: true, group, help: '' },
  { name: 'pooler-config', type: 'json', group, help: '' },
  { name: 'quiet', short: 'q', type: 'bool', group, help: '' },
  { name: 'verbose', short: 'v', type: 'bool', group, help: '' },
  { name: 'document', type: 'list', group, help: '' },
  { name: 'header', type: 'list', many: true, group, help: '' },
]
const elsewhere: Flag[] = [{ name: 'dimensions', type: 'string', group, help: '', commands: ['embed'] }]

const plain = (args: string[]) => plainArgv(args, table, elsewhere)

describe('plainArgv', () => {
  it.each<[string, string[], string[], string[]]>([
    ['nothing', [], [], []],
    ['a value apart', ['--model', 'X'], ['--model=X'], []],
    ['a value joined', ['--model=X=Y'], ['--model=X=Y'], []],
    ['an empty value', ['--model='], ['--model='], []],
    ['underscores', ['--max_model_len=4096'], ['--max-model-len=4096'], []],
    ['underscores of the value stay', ['--model=a_b', '--model', 'c_d'], ['--model=a_b', '--model=c_d'], []],
    ['an abbreviation', ['--random-input', '200'], ['--random-input-len=200'], []],
    ['an abbreviation with an underscore', ['--random_input=200'], ['--random-input-len=200'], []],
    ['a short flag', ['-m', 'X'], ['--model=X'], []],
    ['a short flag with its value', ['-mX', '-m=Y'], ['--model=X', '--model=Y'], []],
    ['short flags together', ['-qv'], ['--quiet', '--verbose'], []],
    ['short flags together with a value', ['-qmX'], ['--quiet', '--model=X'], []],
    ['a two-letter short flag', ['-tp', '2', '-tp=4'], ['--tensor-parallel-size=2', '--tensor-parallel-size=4'], []],
    ['a boolean and its opposite', ['--quiet', '--no-quiet'], ['--quiet', '--no-quiet'], []],
    ['an abbreviated opposite', ['--no-v'], ['--no-verbose'], []],
    ['operands anywhere', ['a', '--quiet', 'b'], ['--quiet'], ['a', 'b']],
    ['a dash is an operand', ['-'], [], ['-']],
    ['a dash is a value', ['--model', '-'], ['--model=-'], []],
    ['after -- all are operands', ['--quiet', '--', '--verbose', '-'], ['--quiet'], ['--verbose', '-']],
    ['a negative value', ['--max-num-seqs', '-1'], ['--max-num-seqs=-1'], []],
    ['a value with a dash', ['--model', '-x y'], ['--model=-x y'], []],
    [
      'a list takes every word up to the next flag',
      ['--header', 'a=1', 'b=2', '-q', 'operand', '--header=c=3'],
      ['--header=a=1', '--header=b=2', '--quiet', '--header=c=3'],
      ['operand'],
    ],
    ['repeated flags keep their order', ['--document', 'b', '--document', 'a'], ['--document=b', '--document=a'], []],
  ])('%s', (_, args, tokens, operands) => {
    expect(plain(args)).toEqual({ tokens, operands, notes: [] })
  })

  it.each<[string, string[], unknown]>([
    ['a whole object', ['--hf-overrides', '{"a":1}'], { a: 1 }],
    ['the last whole object', ['--hf-overrides={"a":1}', '--hf-overrides={"b":2}'], { b: 2 }],
    ['a dotted key', ['--hf-overrides.is_matryoshka', 'true'], { is_matryoshka: true }],
    ['a dotted key with =', ['--hf_overrides.text_config.head_dim=64'], { text_config: { head_dim: 64 } }],
    ['dotted keys together', ['--hf-overrides.a.b', '1', '--hf-overrides.a.c', 'x'], { a: { b: 1, c: 'x' } }],
    ['an abbreviated name', ['--hf.a', 'null'], { a: null }],
    ['a list item', ['--hf-overrides.architectures+', 'X'], { architectures: ['X'] }],
    ['list items', ['--hf-overrides.l+=b,c', '--hf-overrides.l+', 'd'], { l: ['b', 'c', 'd'] }],
    ['JSON in a dotted value', ['--hf-overrides.l', '["no", "yes"]'], { l: ['no', 'yes'] }],
    ['a human integer in a dotted value', ['--hf-overrides.n', '4K'], { n: 4096 }],
    ['text in a dotted value', ['--hf-overrides.method', 'from_2_way_softmax'], { method: 'from_2_way_softmax' }],
    ['underscores of a key stay', ['--hf-overrides.a_b', '1'], { a_b: 1 }],
    [
      'dotted keys over a whole object',
      ['--hf-overrides.a.c', '2', '--hf-overrides={"a":{"b":1}}'],
      { a: { b: 1, c: 2 } },
    ],
  ])('JSON flags: %s', (_, args, expected) => {
    const { tokens, notes } = plain(args)
    expect(notes).toEqual([])
    expect(tokens).toHaveLength(1)
    const [name, text] = [tokens[0]!.slice(0, 15), tokens[0]!.slice(15)]
    expect(name).toBe('--hf-overrides=')
    expect(JSON.parse(text)).toEqual(expected)
  })

  it('a key named __proto__ is a key, not a prototype', () => {
    const { tokens } = plain(['--hf-overrides.__proto__.polluted', 'true', '--hf-overrides.a', '1'])
    expect(tokens).toEqual(['--hf-overrides={"__proto__":{"polluted":true},"a":1}'])
    expect('polluted' in {}).toBe(false)
  })

  it('a dotted key given twice is remarked upon, and the last one counts', () => {
    const { tokens, notes } = plain(['--hf-overrides.a', '1', '--hf-overrides.a', '2'])
    expect(tokens).toEqual(['--hf-overrides={"a":2}'])
    expect(notes).toEqual(['Found duplicate keys --hf-overrides.a; the last one counts.'])
  })

  it.each<[string, string[], RegExp]>([
    ['an unknown flag', ['--modle', 'X'], /--modle is not a flag of this command.*Did you mean --model\?/],
    ['an unknown flag like no other', ['--xyzzyxyzzy'], /--xyzzyxyzzy is not a flag.*--help/],
    ['an unknown short flag', ['-x'], /-x is not a flag/],
    ['an unknown short flag among others', ['-qx'], /-x is not a flag/],
    ['a flag of another command', ['--dimensions', '8'], /--dimensions is not a flag of this command.*qvl embed/],
    ['an ambiguous name', ['--random', '1'], /--random is ambiguous.*--random-input-len, --random-output-len/],
    ['no value', ['--model'], /--model needs a value.*Nothing follows/],
    ['a flag instead of a value', ['--model', '--quiet'], /--model needs a value.*--quiet/],
    ['a short flag instead of a value', ['--model', '-q'], /--model needs a value.*-q/],
    ['a boolean with a value', ['--quiet=yes'], /--quiet takes no value.*--no-quiet/],
    ['a dotted key of a plain flag', ['--model.a', '1'], /--model.a is not a flag.*JSON/],
    ['an empty dotted key', ['--hf-overrides.a..b', '1'], /empty key/],
    ['broken JSON', ['--hf-overrides={a}'], /--hf-overrides does not take the value "{a}".*JSON object/],
    ['JSON that is no object', ['--hf-overrides=[1]'], /JSON object/],
    ['three dashes', ['---model'], /---model is not a flag/],
  ])('refuses %s', (_, args, message) => {
    expect(usageError(() => plain(args))).toMatch(message)
  })
})

function usageError(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof QvlError && error.code === 'USAGE') {
      return [error.details.what, error.details.why, error.details.do].join(' ')
    }
    throw error
  }
  throw new Error('nothing was thrown')
}
