// The lines on which the keys of a config file stand.

import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'

/** Line numbers from 1, by key; keys in the section of a command are `<command>/<key>`. */
export function keyLines(text: string): ReadonlyMap<string, number> {
  const counter = new LineCounter()
  const { contents } = parseDocument(text, { lineCounter: counter })
  const lines = new Map<string, number>()
  const note = (node: unknown, section: string): void => {
    if (!isMap(node)) return
    for (const { key, value } of node.items) {
      if (!isScalar(key) || typeof key.value !== 'string' || key.range == null) continue
      lines.set(`${section}${key.value}`, counter.linePos(key.range[0]).line)
      if (section === '') note(value, `${key.value}/`)
    }
  }
  note(contents, '')
  return lines
}
