// The tables of the page at /docs: the fields of requests and answers, the shapes they name, and refusals.

import { isObject, type JsonObject } from '../../api/fields.js'
import { errorResponses } from '../openapi/responses.js'
import type { Route } from '../route.js'
import { type FieldRow, fieldRows, typeName } from './field-rows.js'
import { Html, html } from './html.js'

export function requestTable({ describe }: Route): Html | undefined {
  const rows = describe?.request === undefined ? [] : fieldRows(describe.request)
  const cells = ({ path, type, required, default: preset, description }: FieldRow): Html =>
    html`<tr><th scope="row"><code>${path}</code></th><td>${type}</td><td>${required ? 'required' : preset}</td><td>${prose(description)}</td></tr>`
  return table('Request', ['Field', 'Type', 'Default', 'Meaning'], rows.map(cells))
}

export function answerTable({ describe }: Route): Html | undefined {
  const rows = describe?.response === undefined ? [] : fieldRows(describe.response)
  return plainTable('Answer', rows)
}

export function refusals(route: Route): Html | undefined {
  const rows = Object.entries(errorResponses(route))
  if (rows.length === 0) return undefined
  return html`<h3>Refusals</h3>
<dl>
${rows.map(([status, { description }]) => html`<dt>${status}</dt><dd>${prose(description)}</dd>`)}
</dl>`
}

/** What the names in the type columns stand for. */
export function shapeTables(routes: readonly Route[]): readonly Html[] {
  const shapes = new Map<string, JsonObject>()
  for (const { describe } of routes) {
    for (const schema of [describe?.request, describe?.response]) {
      const { $defs } = schema ?? {}
      if (!isObject($defs)) continue
      for (const [name, shape] of Object.entries($defs)) if (isObject(shape)) shapes.set(name, shape)
    }
  }
  return [...shapes].map(([name, shape]) => {
    const description = typeof shape.description === 'string' ? shape.description : ''
    return html`<h3>${name}</h3>
<p>${prose(description)} <span class="about">${typeName(shape)}</span></p>
${plainTable(undefined, fieldRows(shape))}`
  })
}

function plainTable(title: string | undefined, rows: readonly FieldRow[]): Html | undefined {
  const explained = rows.some(({ description }) => description !== '')
  const cells = ({ path, type, description }: FieldRow): Html => {
    const meaning = explained ? html`<td>${prose(description)}</td>` : undefined
    return html`<tr><th scope="row"><code>${path}</code></th><td>${type}</td>${meaning}</tr>`
  }
  return table(title, explained ? ['Field', 'Type', 'Meaning'] : ['Field', 'Type'], rows.map(cells))
}

function table(title: string | undefined, columns: readonly string[], rows: readonly Html[]): Html | undefined {
  if (rows.length === 0) return undefined
  return html`${title === undefined ? undefined : html`<h3>${title}</h3>`}
<div class="scroll"><table>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>
${rows}
</tbody>
</table></div>`
}

export const joined = (words: readonly string[]): Html =>
  new Html(words.map((word) => html`<code>${word}</code>`.text).join(', '))

/** Text with `code` in backquotes. */
const prose = (text: string): readonly Html[] =>
  text.split('`').map((piece, index) => (index % 2 === 1 ? html`<code>${piece}</code>` : html`${piece}`))
