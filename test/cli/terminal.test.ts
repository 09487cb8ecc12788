// When colour and animation are used, and what a terminal is protected from.

import { describe, expect, it } from 'vitest'
import { errorText } from '#qvl/cli/messages.js'
import { printable, terminalOf } from '#qvl/cli/terminal.js'
import { QvlError } from '#qvl/errors.js'

interface Given {
  tty?: boolean
  env?: Record<string, string>
  color?: boolean
  progress?: boolean
}

describe('terminalOf', () => {
  it.each<[string, Given, { color: boolean; animate: boolean }]>([
    ['a pipe', { tty: false }, { color: false, animate: false }],
    ['a terminal', {}, { color: true, animate: true }],
    ['NO_COLOR', { env: { NO_COLOR: '1' } }, { color: false, animate: true }],
    ['an empty NO_COLOR', { env: { NO_COLOR: '' } }, { color: true, animate: true }],
    ['TERM=dumb', { env: { TERM: 'dumb' } }, { color: false, animate: false }],
    ['--no-color', { color: false }, { color: false, animate: true }],
    ['--no-progress', { progress: false }, { color: true, animate: false }],
    ['FORCE_COLOR in a pipe', { tty: false, env: { FORCE_COLOR: '1' } }, { color: true, animate: false }],
    ['FORCE_COLOR=0 in a pipe', { tty: false, env: { FORCE_COLOR: '0' } }, { color: false, animate: false }],
    ['FORCE_COLOR with --no-color', { env: { FORCE_COLOR: '1' }, color: false }, { color: false, animate: true }],
  ])('%s', (_, { tty = true, env = {}, color = true, progress = true }, expected) => {
    const stream = { isTTY: tty }
    const terminal = terminalOf({ stdin: stream, stdout: stream, stderr: stream, env, color, progress })
    expect({ color: terminal.stderr.color, animate: terminal.animate }).toEqual(expected)
    expect(terminal.stdout.color).toBe(expected.color)
  })
})

describe('errorText', () => {
  const error = new QvlError('USAGE', { what: 'What.', why: 'Why.', do: 'Do.', cause: new Error('inner words') })

  it('is three lines, and has the stack and the cause only with debug', () => {
    expect(errorText(error, { color: false, debug: false })).toBe('error[USAGE] What.\n  Why.\n  Do.\n')
    const debug = errorText(error, { color: false, debug: true })
    expect(debug).toContain('inner words')
    expect(debug).toContain('terminal.test')
  })

  it('leaves out the parts that are missing', () => {
    const short = new QvlError('INTERNAL', { what: 'What.' })
    expect(errorText(short, { color: false, debug: false })).toBe('error[INTERNAL] What.\n')
  })

  it('shows control characters of untrusted text instead of sending them', () => {
    const hostile = new QvlError('USAGE', { what: 'a\u001b]0;title\u0007b\u009b31m' })
    expect(errorText(hostile, { color: false, debug: false })).toBe('error[USAGE] a\\x1b]0;title\\x07b\\x9b31m\n')
    expect(printable('line\n\ttab \u00e9 \u{1F600}')).toBe('line\n\ttab \u00e9 \u{1F600}')
  })
})
