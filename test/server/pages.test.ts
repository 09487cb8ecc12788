import { describe, expect, it } from 'vitest'
import { type FieldRow, fieldRows } from '#qvl/server/pages/field-rows.js'
import { html } from '#qvl/server/pages/html.js'
import { docsPage } from '#qvl/server/pages/page.js'
import type { Route } from '#qvl/server/route.js'
import { routeTable } from '#qvl/server/routes.js'

/** As the documentation describes it: without its own script and style. */
const routes = routeTable({ documentation: true }).filter(({ name }) => !name.startsWith('docs_'))

const facts = { version: '1.2.3', basePath: '/docs', openApiPath: '/openapi.json' }

describe('html', () => {
  it.each([
    ['<script>', 'a &lt;script&gt; b'],
    ['"onload="', 'a &quot;onload=&quot; b'],
    ["it's & <b>", 'a it&#39;s &amp; &lt;b&gt; b'],
    ['&amp;', 'a &amp;amp; b'],
  ])('escapes %s', (value, expected) => {
    expect(html`a ${value} b`.text).toBe(expected)
  })

  it('nests without escaping twice', () => {
    expect(html`<ul>${['<a>', 'b'].map((word) => html`<li>${word}</li>`)}</ul>`.text).toBe(
      '<ul><li>&lt;a&gt;</li>\n<li>b</li></ul>',
    )
  })
})

const nested = (depth: number): Record<string, unknown> =>
  depth === 0 ? {} : { type: 'object', properties: { a: nested(depth - 1) } }

describe('rows of a schema', () => {
  const rows = (schema: Record<string, unknown>): string[] =>
    fieldRows(schema).map(({ path, type, required, default: preset }: FieldRow) =>
      [path, type, required ? 'required' : '', preset ?? ''].join(';'),
    )
  const cases: { what: string; schema: Record<string, unknown>; expected: string[] }[] = [
    {
      what: 'plain fields',
      schema: {
        properties: { query: { type: 'string' }, top_n: { type: ['integer', 'null'], default: 0 } },
        required: ['query'],
      },
      expected: ['query;string;required;', 'top_n;integer | null;;0'],
    },
    {
      what: 'choices',
      schema: { properties: { encoding_format: { enum: ['float', 'base64'] }, object: { const: 'list' } } },
      expected: ['encoding_format;"float" | "base64";;', 'object;"list";;'],
    },
    {
      what: 'nested lists',
      schema: {
        properties: {
          results: { type: 'array', items: { type: 'object', properties: { index: { type: 'integer' } } } },
        },
      },
      expected: ['results;list of {index};;', 'results[].index;integer;;'],
    },
    {
      what: 'named shapes, which are only named',
      schema: {
        properties: {
          query: { $ref: '#/$defs/Content' },
          documents: { type: 'array', items: { $ref: '#/$defs/Content' } },
        },
        $defs: { Content: { type: 'object', properties: { text: { type: 'string' } } } },
      },
      expected: ['query;Content;;', 'documents;list of Content;;'],
    },
    {
      what: 'unions',
      schema: {
        properties: {
          query: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: ['string', 'null'] } }] },
          image_url: { anyOf: [{ type: 'string' }, { type: 'object', properties: { url: { type: 'string' } } }] },
        },
      },
      expected: ['query;string | list of (string | null);;', 'image_url;string | {url};;', 'image_url.url;string;;'],
    },
    {
      what: 'a union of bodies',
      schema: {
        anyOf: [
          { properties: { text_1: { type: 'string' } } },
          { properties: { text_1: { type: 'string' }, queries: { type: 'string' } } },
        ],
      },
      expected: ['text_1;string;;', 'queries;string;;'],
    },
    {
      what: 'deep nesting, as far as it is worth reading',
      schema: nested(8),
      expected: ['a;{a};;', 'a.a;{a};;', 'a.a.a;{a};;', 'a.a.a.a;{a};;'],
    },
    { what: 'nothing', schema: {}, expected: [] },
  ]
  it.each(cases)('$what', ({ schema, expected }) => {
    expect(rows(schema)).toEqual(expected)
  })
})

describe('the page', () => {
  it('escapes everything of the table', () => {
    const attack = '</textarea><script>alert(1)</script>"\'`'
    const hostile: Route = {
      methods: ['POST'],
      paths: [`/${attack}`],
      name: attack,
      summary: attack,
      works: true,
      describe: {
        request: { properties: { [attack]: { type: attack, default: attack, description: attack } } },
        example: { attack },
      },
      handle: () => ({ status: 200, body: '' }),
    }
    const page = docsPage([hostile], { ...facts, version: attack })
    expect(page.match(/<script/g)).toHaveLength(1)
    expect(page.match(/<\/textarea>/g)).toHaveLength(1)
    expect(page).not.toContain(`"'`)
  })

  const page = docsPage(routes, facts)

  it('shows every route', () => {
    for (const path of routes.flatMap(({ paths }) => paths)) expect(page).toContain(`<code>${path}</code>`)
  })

  it('loads nothing from elsewhere and runs nothing written in it', () => {
    const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1])
    expect(addresses.sort()).toEqual(['/docs/app.js', '/docs/style.css', '/openapi.json', 'data:,'])
    expect(page).not.toMatch(/<[^>]*\son\w+=|<style|style="|<script>|javascript:/)
  })

  it('gives every field a label, and no two elements one id', () => {
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1])
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
    const labelled = [...page.matchAll(/<label for="([^"]*)"/g)].map((match) => match[1])
    const areas = [...page.matchAll(/<(?:textarea|input) id="((?!filter)[^"]*)"/g)].map((match) => match[1])
    expect(areas).toEqual(labelled)
  })

  it('closes what it opens', () => {
    const open: string[] = []
    for (const [, slash, name = ''] of page.matchAll(/<(\/?)([a-z]+\d?)[^>]*>/g)) {
      if (['meta', 'link', 'input'].includes(name)) continue
      if (slash === '') open.push(name)
      else expect(open.pop()).toBe(name)
    }
    expect(open).toEqual([])
  })
})
