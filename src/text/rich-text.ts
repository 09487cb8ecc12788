// Text with a memory of where it came from: the template's own words, or a user's.

/**
 * A piece of a prompt. In template text, strings such as `<|im_end|>` are special tokens; in user text they are plain
 * characters (CVE-2026-44222).
 */
export interface Segment {
  text: string
  from: 'template' | 'user'
}

export type RichText = readonly Segment[]

export const template = (text: string): Segment => ({ text, from: 'template' })
export const user = (text: string): Segment => ({ text, from: 'user' })

export const plainText = (text: RichText): string => text.map((segment) => segment.text).join('')
