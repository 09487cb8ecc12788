// The template language, against what Jinja 3.1 renders in transformers' environment.

import { describe, expect, it } from 'vitest'
import { QvlError } from '#qvl/errors.js'
import { compileTemplate, type JsonValue } from '#qvl/text/jinja.js'

const messages: JsonValue = [
  { role: 'user', content: 'b', tool: 1 },
  { role: 'assistant', content: 'a' },
]

const render = (source: string) => compileTemplate(source, { name: 'test' }).render({ messages })

const rendered: [source: string, text: string][] = [
  ['{{ x }}', ''],
  [
    '{{ none }} {{ true }} {{ 1.0 }} {{ 4/2 }} {{ 7//2 }} {{ -7//2 }} {{ -7 % 3 }} {{ 7.5 // 2 }} {{ 2**10 }} {{ 2**-1 }}',
    'None True 1.0 2.0 3 -4 2 3.0 1024 0.5',
  ],
  ["{{ [1,'a',none,true,2.5,[],{'k':'v'}] }}", "[1, 'a', None, True, 2.5, [], {'k': 'v'}]"],
  ["{{ {'a':\"it's\"} }}", "{'a': \"it's\"}"],
  ["{{ ['a\\nb'] }}", "['a\\nb']"],
  ["{{ [] | first | default('d') }}|{{ [] | last | default('e') }}|{{ [1,2]|first }}|{{ [1,2]|last }}", 'd|e|1|2'],
  ["{{ messages | map(attribute='role') | join(',') }}", 'user,assistant'],
  ["{{ messages | map('length') | join(',') }}", '3,2'],
  ["{{ ['a','B'] | map('upper') | list }}", "['A', 'B']"],
  ["{{ messages | selectattr('role','ne','user') | map(attribute='content') | join('|') }}", 'a'],
  ["{{ messages | rejectattr('role','equalto','user') | list | length }}", '1'],
  ["{{ messages | selectattr('tool') | list | length }}", '1'],
  [
    "{{ [1,2,3,4] | select('even') | list }} {{ [1,2,3,4] | reject('gt', 2) | list }} {{ ['',0,1]|select|list }}",
    '[2, 4] [1, 2] [1]',
  ],
  [
    "{{ 3 is eq 3 }} {{ 3 is ne(3) }} {{ 4 is divisibleby 2 }} {{ 4 is not divisibleby(3) }} {{ 'a' is in ['a','b'] }} {{ 'c' is not in 'ab' }} {{ x is defined and 1 is eq 1 }}",
    'True False True True True True False',
  ],
  [
    "{{ 'a' is string }} {{ {} is mapping }} {{ [] is iterable }} {{ 1 is number }} {{ none is none }} {{ x is undefined }} {{ 1.5 is float }}",
    'True True True True True True True',
  ],
  [
    "{{ '%s is %d, %.2f%%' % ('a', 3, 2.5) }} {{ '%s' % 'x' }} {{ '%05d|%-5s|%5s' | format(42, 'a', 'b') }}",
    'a is 3, 2.50% x 00042|a    |    b',
  ],
  [
    "{{ 'abc'[1:] }} {{ 'abc'[::-1] }} {{ [1,2,3,4][1:3] }} {{ [1,2,3][-2:] }} {{ [1,2,3,4,5][::2] }} {{ [1,2,3][5:] }} {{ 'añ👍b'[2] }} {{ 'añ👍b'|length }}",
    'bc cba [2, 3] [2, 3] [1, 3, 5] [] 👍 4',
  ],
  [
    '{% for m in messages %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ m.role }};{% endfor %}',
    '1TrueFalseuser;2FalseTrueassistant;',
  ],
  [
    "{% for a, b in {'x':1,'y':2}.items() %}{{ a }}={{ b }} {% endfor %}{% for k in {'x':1} %}{{ k }}{% endfor %}",
    'x=1 y=2 x',
  ],
  [
    '{% for i in range(5) if i is odd %}{{ i }}{% else %}none{% endfor %}{% for i in [] %}{% else %}none{% endfor %}',
    '13none',
  ],
  [
    '{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}',
    '0134',
  ],
  ['{% set x = 1 %}{% for i in [1,2] %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}', '221'],
  ['{% set ns = namespace(n=0) %}{% for i in [1,2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}', '3'],
  ['{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c %}block {{ a }}{% endset %}{{ c }}', '12block 1'],
  ["{% macro f(a, b='B') %}[{{ a }}{{ b }}]{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(b=3, a=4) }}", '[1B][12][43]'],
  ['{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}body{% endcall %}', '<body>'],
  ['{% filter upper %}abc{% endfilter %}', 'ABC'],
  ["{{ 'x' ~ 1 ~ none ~ y }}", 'x1None'],
  ["{{ 'ab' * 3 }} {{ [1] * 3 }}", 'ababab [1, 1, 1]'],
  [
    "{{ 'a' in 'abc' }} {{ 1 in [1] }} {{ 'k' in {'k':1} }} {{ 'a' not in 'b' }} {{ 'a' in undefinedvar }}",
    'True True True True False',
  ],
  ["{{ {'a':1,'b':[1,2.0,none,true,'é\\n\"']} | tojson }}", '{"a": 1, "b": [1, 2.0, null, true, "é\\n\\""]}'],
  ["{{ {'b':1,'a':[1,{}]} | tojson(indent=2) }}", '{\n  "b": 1,\n  "a": [\n    1,\n    {}\n  ]\n}'],
  [
    "{{ {'b':1,'a':2} | tojson(sort_keys=true) }} {{ 'é' | tojson(ensure_ascii=true) }} {{ [1,2]|tojson(separators=(',',':')) }} {{ '<' | tojson }}",
    '{"a": 2, "b": 1} "\\u00e9" [1,2] "<"',
  ],
  [
    "{{ '  a b  '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ '  a '.lstrip() }}|{{ ' a  '.rstrip() }}|{{ '  a ' | trim }}",
    'a b|a|a | a|a',
  ],
  [
    "{{ 'a,b,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a  b '.split() }} {{ ' a  b c '.split(none, 1) }} {{ ''.split('x') }} {{ 'abc'.split('</think>')[-1] }}",
    "['a', 'b', 'c'] ['a', 'b,c'] ['a,b', 'c'] ['a', 'b'] ['a', 'b c '] [''] abc",
  ],
  [
    "{{ 'hello world'.title() }} {{ 'hello wORLD' | title }} {{ \"it's\".title() }} {{ 'aBC' | capitalize }} {{ 'a-b' | title }}",
    "Hello World Hello World It'S Abc A-B",
  ],
  [
    "{{ 'aXbX'.replace('X','y') }} {{ 'aXbX'.replace('X','y',1) }} {{ 'aXbX' | replace('X','') }} {{ 'ab'.replace('','-') }}",
    'ayby aybX ab -a-b-',
  ],
  [
    "{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x','c')) }} {{ 'abc'.find('c') }} {{ 'aa'.count('a') }} {{ 'a\\nb\\n'.splitlines() }} {{ 'x'.join(['a','b']) }}",
    "True True 2 2 ['a', 'b'] axb",
  ],
  ["{{ 'b' if false }}|{{ 'a' if true else 'b' }}|{{ 'a' if x else 'b' if y else 'c' }}", '|a|c'],
  [
    "{{ '12' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ '3.7' | int }} {{ 3.9 | int }} {{ '2.5' | float }} {{ true | int }} {{ -3 | abs }} {{ 2.5 | round }} {{ 2.567 | round(2) }} {{ 2.1 | round(0, 'ceil') }} {{ 3.5|round|int }}",
    '12 0 5 3 3 2.5 1 3 2.0 2.57 3.0 4',
  ],
  [
    "{{ [3,1,2] | sort }} {{ ['b','A','c'] | sort }} {{ [1,2] | sort(reverse=true) }} {{ messages | sort(attribute='content') | map(attribute='content') | list }} {{ {'b':1,'a':2} | dictsort | map('first') | list }} {{ [1,1,2] | unique | list }} {{ [1,2] | reverse | list }} {{ [1,5,2]|max }} {{ [1,5,2]|min }} {{ [1,2]|sum }}",
    "[1, 2, 3] ['A', 'b', 'c'] [2, 1] ['a', 'b'] ['a', 'b'] [1, 2] [2, 1] 5 1 3",
  ],
  [
    "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\nb' | indent(width=1) }}",
    'a\n    b\n\n    c|  a\n  b|a\n b',
  ],
  [
    "{{ x | default('d') }} {{ '' | default('d') }} {{ '' | default('d', true) }} {{ none | default('d') }} {{ y.z | default('q') if y is defined else 'n' }}",
    'd  d None n',
  ],
  [
    "{{ messages[0]['role'] }} {{ messages[-1].role }} {{ messages[5] }} {{ messages[0].nope }} {{ messages[0]['nope'] is defined }} {{ messages.0.role }}",
    'user assistant   False user',
  ],
  [
    "{{ {'get':1}.get('get') }} {{ {'items':5}['items'] }} {{ {'a':none}.get('a', 3) }} {{ {'a':1}.get('b') }} {{ {'a':1}.get('b', 'c') }}",
    '1 5 None None c',
  ],
  [
    "{{ messages[0].__class__ }}{{ messages.__proto__ }}{{ ''.constructor }}{{ {}.constructor }}{{ messages[0].__proto__ }}|",
    '|',
  ],
  ['  {% if true %}\n  a\n  {% endif %}\n  b\n', '  a\n  b'],
  ['a\n  {%- if true -%}  \n b {%- endif %}\n\nc\n\n', 'ab\nc\n'],
  ['{# c #}\na{#- d -#}\n b', 'ab'],
  [
    "{{ 1 < 2 }} {{ 'a' < 'b' }} {{ 1 == 1.0 }} {{ true == 1 }} {{ [1,2] == [1,2] }} {{ {'a':1} == {'a':1} }} {{ 1 != 2 }} {{ not x }}",
    'True True True True True True True True',
  ],
  [
    "{{ '<a>' | e }} {{ '<a>' | escape }} {{ '<a>' | safe }} {{ 5 | string }} {{ ['a'] | string }} {{ 'abc' | list }} {{ 'abc' | first }}",
    "&lt;a&gt; &lt;a&gt; <a> 5 ['a'] ['a', 'b', 'c'] a",
  ],
  ["{% for i in [1,2,3] %}{{ loop.cycle('a','b') }}{{ loop.previtem }}{{ loop.nextitem }}{% endfor %}", 'a2b13a2'],
  [
    "{{ 'a' 'b' }} {{ \"x\\ty\" }} {{ 1 + 2 * 3 - -4 }} {{ (1, 2) | length }} {{ 'A'.lower() + 'b'.upper() }}",
    'ab x\ty 11 2 aB',
  ],
  [
    "{%- set c = '<think>r</think>\n\nb' %}{{ c.split('</think>')[-1].lstrip('\\n') }}|{{ c.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') }}",
    'b|r',
  ],
  ["{% if messages[0].role == 'system' and not x %}s{% elif messages[0].role == 'user' %}u{% else %}e{% endif %}", 'u'],
  ["{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '12'.isdigit() }}", 'bc ab True'],
  ['{{ range(3)|list }} {{ range(1,7,2)|list }} {{ range(3,0,-1)|list }}', '[0, 1, 2] [1, 3, 5] [3, 2, 1]'],
  ['{% generation %}g{% endgeneration %}', 'g'],
]

describe('what templates render', () => {
  it.each(rendered)('%j', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it('the date', () => {
    const now = () => new Date(2026, 1, 3, 14, 5, 9)
    const template = compileTemplate("{{ strftime_now('%Y-%m-%d %H:%M:%S %d %B %b %A %a %I %p %y %%') }}", {
      name: 'test',
      now,
    })
    expect(template.render({})).toBe('2026-02-03 14:05:09 03 February Feb Tuesday Tue 02 PM 26 %')
  })

  it('Windows line ends as plain ones', () => {
    expect(render('a\r\n{% if true %}\r\nb\r\n{% endif %}\r\n')).toBe('a\nb\n')
  })
})

const refused: [source: string, why: string | RegExp][] = [
  ["{{ raise_exception('no ' ~ 'way') }}", 'Its message is: no way'],
  ["{{ 'a' + 1 }}", /uses \+ between a string and a number/],
  ['{{ x.y }}', /reads \.y of an undefined value/],
  ['{{ x.y.z }}', /undefined/],
  ["{{ 1 < 'a' }}", /compares a number with a string/],
  ['{{ nofunc() }}', /calls an undefined value/],
  ['{{ 1 / 0 }}', /divides by zero/],
  ['{% for i in 5 %}{% endfor %}', /loops over a number/],
  ['{% for a, b in [[1, 2, 3]] %}{% endfor %}', /unpacks 3 values into 2 names/],
  ['{{ messages.append(1) }}', /calls an undefined value/],
  ["{{ {'a': 1}.update({}) }}", /calls an undefined value/],
  ['{% set messages.x = 1 %}', /only a namespace can change/],
  ['{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}', /more than its 1 arguments/],
  ['{% macro f(a) %}{% endmacro %}{{ f(b=2) }}', /unknown argument, b/],
  ['{{ range | tojson }}', /tojson got a function/],
  ['{{ x | tojson }}', /tojson got an undefined value/],
  ['{{ 2 ** 5000 }}', /too large/],
]

const invalid: [source: string, why: RegExp][] = [
  ['a\n{{ [1, 2] | nofilter }}', /^Line 2 uses the filter nofilter, which is unknown/],
  ["{{ '\\n\\n' }}\n\n{{ 1 is notest }}", /^Line 3 uses the test notest, which is unknown/],
  ['a\n\n{{ 1 + }}\nb', /^Line 3 is not Jinja/],
  ['{% if %}', /^Line 1 is not Jinja/],
  ['a\n{% endfor %}', /^Line 2 is not Jinja/],
  ['{% foo %}', /^Line 1 is not Jinja/],
  ['{% for x in messages %}', /is not Jinja/],
  ["{% include 'secrets' %}", /is not Jinja/],
  ['{{ "unfinished', /is not Jinja/],
  ['{{ ', /is not Jinja/],
]

function refusal(action: () => unknown): QvlError {
  try {
    action()
  } catch (error) {
    if (error instanceof QvlError) return error
    throw error
  }
  throw new Error('the template should have been refused')
}

describe('what templates must not do', () => {
  it.each(refused)('render: %j', (source, why) => {
    const template = compileTemplate(source, { name: 'test.jinja' })
    const error = refusal(() => template.render({ messages }))
    expect(error.code).toBe('TEMPLATE_INVALID')
    expect(error.details.what).toContain('test.jinja')
    expect(error.details.why).toMatch(why)
    expect(error.details.do).toBeTruthy()
  })

  it.each(invalid)('load: %j', (source, why) => {
    const error = refusal(() => compileTemplate(source, { name: 'test.jinja' }))
    expect(error.code).toBe('TEMPLATE_INVALID')
    expect(error.details.why).toMatch(why)
  })
})
