// Names from files that anyone may have written, made safe to print.

/** Real tensor names and keys stay below this; a longer one is cut in messages. */
const maxPrinted = 120

/** The name in double quotes, cut if long, with control characters and line breaks written as escapes. */
export function quoteName(name: string): string {
  const cut = name.length > maxPrinted ? `${name.slice(0, maxPrinted)}…` : name
  return JSON.stringify(cut).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
