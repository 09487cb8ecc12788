// A request as a command or a program that sends it again.

import type { PageRequest } from './draft.js'

export type Language = 'curl' | 'javascript' | 'python'

export interface SnippetOptions {
  /** Where the server is, with a trailing slash. */
  base: string
  /** The server asks for a key; it is read from the environment, and never written down. */
  keyed: boolean
}

export function snippet(language: Language, { path, body }: PageRequest, options: SnippetOptions): string {
  const url = new URL(path, options.base).href
  switch (language) {
    case 'curl':
      return curl(url, body, options.keyed)
    case 'javascript':
      return javascript(url, body, options.keyed)
    case 'python':
      return python(url, body, options.keyed)
    default:
      return language satisfies never
  }
}

/** The body with its data: URLs cut, for reading. */
export function shortened<Value>(body: Value): Value {
  return JSON.parse(JSON.stringify(body, (_key, value: unknown) => shortenedUrl(value)))
}

function shortenedUrl(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const match = /^(data:[\w/+.-]+;base64,.{12})./.exec(value)
  return match === null ? value : `${match[1]}… (${Math.ceil(value.length / 1024)} KiB, copied in full)`
}

/** The body comes through standard input: a word of a command line holds 128 KiB at most, and an image is larger. */
function curl(url: string, body: unknown, keyed: boolean): string {
  const key = keyed ? ` \\\n  -H "Authorization: Bearer $QVL_API_KEY"` : ''
  const head = `curl '${url}' \\\n  -H 'Content-Type: application/json'${key} \\\n  --data-binary @- <<'REQUEST'`
  return `${head}\n${JSON.stringify(body, null, 2)}\nREQUEST\n`
}

function javascript(url: string, body: unknown, keyed: boolean): string {
  const key = keyed ? ', Authorization: `Bearer $' + '{process.env.QVL_API_KEY}`' : ''
  return `const response = await fetch(${JSON.stringify(url)}, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json'${key} },
  body: JSON.stringify(${JSON.stringify(body, null, 2).replaceAll('\n', '\n  ')}),
})
const answer = await response.json()
`
}

function python(url: string, body: unknown, keyed: boolean): string {
  const imports = keyed ? 'import os\n\nimport requests' : 'import requests'
  const key = keyed ? '\n    headers={"Authorization": f"Bearer {os.environ[\'QVL_API_KEY\']}"},' : ''
  return `${imports}

response = requests.post(
    ${JSON.stringify(url)},${key}
    json=${pythonLiteral(body, '    ')},
)
print(response.json())
`
}

/** Strings and numbers are written as in JSON; the rest differs in names only. */
function pythonLiteral(value: unknown, indent: string): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return JSON.stringify(value)
  const deeper = `${indent}    `
  const lines = Array.isArray(value)
    ? value.map((item) => pythonLiteral(item, deeper))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${pythonLiteral(item, deeper)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return lines.length === 0
    ? `${open}${close}`
    : `${open}\n${lines.map((line) => `${deeper}${line},\n`).join('')}${indent}${close}`
}
