// What may be written where: colour and animation, decided once from the streams, the environment and the flags.

export interface Terminal {
  stdin: { isTty: boolean }
  stdout: { isTty: boolean; color: boolean }
  stderr: { isTty: boolean; color: boolean }
  /** Progress bars on stderr. */
  animate: boolean
}

interface Asked {
  stdin: { isTTY?: boolean | undefined }
  stdout: { isTTY?: boolean | undefined }
  stderr: { isTTY?: boolean | undefined }
  env: NodeJS.ProcessEnv
  /** `--no-color` and `--no-progress` are false. */
  color: boolean
  progress: boolean
}

/**
 * No colour when asked so, when NO_COLOR is set (https://no-color.org: any value but the empty one), on a dumb terminal
 * and in pipes. FORCE_COLOR beats all of these but `--no-color`, as it does in Node.
 */
export function terminalOf({ stdin, stdout, stderr, env, color, progress }: Asked): Terminal {
  const dumb = env.TERM === 'dumb'
  const forced = env.FORCE_COLOR !== undefined && !['', '0', 'false'].includes(env.FORCE_COLOR)
  const allowed = color && !env.NO_COLOR && !dumb
  const stream = ({ isTTY = false }: { isTTY?: boolean | undefined }) => ({
    isTty: isTTY,
    color: (allowed && isTTY) || (color && forced),
  })
  const errors = stream(stderr)
  return {
    stdin: { isTty: stdin.isTTY === true },
    stdout: stream(stdout),
    stderr: errors,
    animate: errors.isTty && progress && !dumb,
  }
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const

export type Style = keyof typeof codes

export const paint = (text: string, style: Style, color: boolean): string =>
  color ? `\u001b[${codes[style]}m${text}\u001b[0m` : text

/**
 * Control characters of untrusted text shown as escapes: a document must not move the cursor or set the title of the
 * terminal it is printed on. Line ends and tabs stay.
 */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
