// Hostile templates end with an error, within the budget, and reach nothing but their variables.

import { describe, expect, it } from 'vitest'
import { QvlError } from '#qvl/errors.js'
import { compileTemplate } from '#qvl/text/jinja.js'

const variables = { text: 'x'.repeat(1000), list: [1, 2, 3], message: { role: 'user' } }

const hostile: [name: string, source: string][] = [
  ['a long loop', '{% for i in range(1000000000) %}{% endfor %}'],
  ['an endless range', '{% for i in range(0, 10 ** 15) %}{% endfor %}'],
  ['nested loops', '{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}'],
  [
    'nested loops that only filter',
    '{% for i in range(900) %}{% for j in range(900) if false %}{% endfor %}{% endfor %}',
  ],
  ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}'],
  [
    'a macro that calls itself twice',
    '{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}',
  ],
  [
    'macros that call each other',
    '{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}',
  ],
  [
    'a caller that calls itself',
    '{% macro f() %}{{ caller() }}{% endmacro %}{% macro g() %}{% call f() %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}',
  ],
  ['a repeated string', "{{ 'x' * 1000000000 }}"],
  ['a repeated list', '{{ [1] * 1000000000 }}'],
  [
    'text that doubles',
    '{% set ns = namespace(s=text) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}',
  ],
  [
    'text that doubles by ~',
    '{% set ns = namespace(s=text) %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}',
  ],
  [
    'a list that doubles',
    '{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}',
  ],
  [
    'a list in itself',
    '{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}',
  ],
  [
    'a list in itself as JSON',
    '{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}',
  ],
  [
    'a list in itself compared',
    '{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}',
  ],
  ['a namespace in itself', '{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}'],
  ['a wide join', '{{ range(900) | join(text * 60) }}'],
  ['a replacement between all characters', "{{ (text * 60).replace('', text * 60) }}"],
  ['a replacement filter', "{{ (text * 60) | replace('x', text * 60) }}"],
  ['a wide indent', '{{ "a\nb" | indent(1000000000) }}'],
  ['a wide JSON indent', '{{ [1] | tojson(indent=1000000000) }}'],
  ['a wide format', "{{ '%1000000000d' % 1 }}"],
  ['a wide output', '{% for i in range(900) %}{{ text }}{% endfor %}'],
  ['a wide captured block', '{% set b %}{% for i in range(900) %}{{ text }}{% endfor %}{% endset %}'],
  ['much copying', '{% set big = text * 60 %}{% for i in range(9999) %}{% set y = big.upper() %}{% endfor %}'],
  ['much searching', "{% set big = text * 60 %}{% for i in range(9999) %}{% set y = 'q' in big %}{% endfor %}"],
  ['many slices', '{% set l = range(20000) | list %}{% for i in range(9999) %}{% set y = l[:] %}{% endfor %}'],
  [
    'many selections',
    '{% set l = range(20000) | list %}{% for i in range(9999) %}{% set y = l | select("defined") %}{% endfor %}',
  ],
  ['deep parentheses', `{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`],
  ['deep lists', `{{ ${'['.repeat(20_000)}${']'.repeat(20_000)} }}`],
  ['a long sum', `{{ 1${' + 1'.repeat(20_000)} }}`],
  ['many negations', `{{ ${'not '.repeat(20_000)}1 }}`],
  ['deep blocks', `${'{% if 1 %}'.repeat(5000)}${'{% endif %}'.repeat(5000)}`],
  ['a long template', 'x'.repeat(200_000)],
  ['a template of blanks', ' '.repeat(100_000)],
]

describe('budgets', () => {
  it.each(hostile)('%s', (_, source) => {
    const run = () => compileTemplate(source, { name: 'hostile' }).render(variables)
    expect(run).toThrow(QvlError)
    expect(run).toThrow(
      /takes more than|makes a text of more than|copies more text|levels deep|too deeply|limit is|in a row|indent from/,
    )
  })

  it('grow with the input', () => {
    const template = compileTemplate('{{ text }}{{ text }}{{ text }}', { name: 'test' })
    const text = 'x'.repeat(4 * 2 ** 20)
    expect(template.render({ text })).toHaveLength(3 * text.length)
  })

  it('allow a conversation of 500 messages', () => {
    const source =
      "{% for m in messages %}{% if m.role == 'user' and messages | length > 1 %}{{ '<|im_start|>' + m.role + '\n' + m.content | trim + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    const messages = Array.from({ length: 500 }, () => ({ role: 'user', content: ' some text ' }))
    expect(compileTemplate(source, { name: 'test' }).render({ messages })).toBe(
      '<|im_start|>user\nsome text<|im_end|>\n'.repeat(500),
    )
  })

  it('start anew with every rendering', () => {
    const template = compileTemplate('{% for i in range(9000) %}{% endfor %}', { name: 'test' })
    for (let i = 0; i < 20; i++) expect(template.render({})).toBe('')
  })
})

describe('prototypes', () => {
  const names = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'valueOf',
    'hasOwnProperty',
    '__class__',
    '__globals__',
  ]
  const values = [
    'text',
    'list',
    'message',
    '1',
    '1.5',
    'true',
    'range',
    'namespace(a=1)',
    'namespace',
    '{}',
    '[]',
    "''",
  ]
  it.each(values)('of %s', (value) => {
    for (const name of names) {
      for (const access of [
        `(${value}).${name}`,
        `(${value})['${name}']`,
        `[${value}] | map(attribute='${name}') | first`,
      ]) {
        const source = `{{ ${access} is defined }}`
        expect(compileTemplate(source, { name: 'test' }).render(variables), source).toBe('False')
      }
    }
  })

  it('of names', () => {
    for (const name of names) {
      expect(compileTemplate(`{{ ${name} is defined }}`, { name: 'test' }).render(variables), name).toBe('False')
    }
  })

  it('of functions that were reached', () => {
    const source = "{{ ''.constructor.constructor('return process')() }}"
    expect(() => compileTemplate(source, { name: 'test' }).render({})).toThrow(QvlError)
  })

  it('stay as they are when variables use their names', () => {
    const json = '{"message":{"__proto__":{"x":1},"constructor":2}}'
    const template = compileTemplate('{{ message.__proto__.x }}{{ message.constructor }}{{ {}.x is defined }}', {
      name: 'test',
    })
    expect(template.render(JSON.parse(json))).toBe('12False')
    expect('x' in {}).toBe(false)
  })

  it('names of filters and tests', () => {
    for (const name of names) {
      for (const source of [
        `{{ 1 | ${name} }}`,
        `{{ 1 is ${name} }}`,
        `{{ [1] | map('${name}') | list }}`,
        `{{ [1] | select('${name}') | list }}`,
      ]) {
        expect(() => compileTemplate(source, { name: 'test' }).render({}), source).toThrow(QvlError)
      }
    }
  })
})
