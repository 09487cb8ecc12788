// Seeded strings that are hard to tokenise.

const pools: readonly (readonly string[])[] = [
  [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'],
  [...'0123456789٣४Ⅷ½²㊿'],
  [
    ' ',
    ' ',
    '  ',
    '\t',
    '\n',
    '\r\n',
    '\r',
    '\n\n',
    '\u00a0',
    '\u3000',
    '\u2028',
    '\u0085',
    '\u200b',
    '\ufeff',
    '\u001c',
  ],
  [...'.,;:!?-_/\\|"\'`~@#$%^&*()[]{}<>+=«»…—€'],
  ["'s", "'T", "'re", "'VE", "'ll", "'d", "'m", "'\u017f", "I'm", "don't", "'lL", "''s"],
  [
    'e\u0301',
    'A\u030a',
    'o\u0302\u0323',
    '\u0344',
    '\u1100\u1161\u11a8',
    '\u212b',
    '\u0958',
    '\u0fb2\u0f80',
    '\u3099',
    '\u0338',
  ],
  ['é', 'ß', 'ı', 'ﬁ', 'Ǆ', 'नमस्ते', 'ไทย', '中文', '日本', '한국어', 'العربية', 'עברית', 'Ω', '𝒜', '𠀀'],
  ['👍', '👨‍👩‍👧', '🏳️‍🌈', '❤️', '🇩🇪', '✈', '\u200d', '\ufe0f'],
  ['<|im_start|>', '<|im_end|>', '<|image_pad|>', '<think>', '</think>', '<|im_', 'end|>', '<|', '|>', '<<|im_end|>>'],
  ['\ud83d', '\udc4d', '\u0000', '\u007f', '\ufffd', '\uffff', '\u{10ffff}'],
  ['the', ' query', ' document', 'assistant', 'system', 'yes', ' no', 'http://x.y/z?q=1'],
]

/** Letters since Unicode 17, which newer ICU versions know and the Rust library does not. */
const tooNew = new Set([0x88f, 0xc5c, 0xcdc, 0xa7ce, 0xa7cf, 0xa7d2, 0xa7d4, 0xa7f1])

export function generatedTexts(seed: number, count: number): string[] {
  const random = randomSource(seed)
  return Array.from({ length: count }, () => generatedText(random))
}

export function generatedText(random: () => number): string {
  let text = ''
  for (let left = 1 + Math.floor(random() * 24); left > 0; left--) {
    const piece = random() < 0.15 ? randomChar(random) : pick(random, pick(random, pools))
    text += random() < 0.1 ? piece.repeat(1 + Math.floor(random() * 20)) : piece
  }
  return text
}

/** Numbers from 0 to below 1 (mulberry32). */
export function randomSource(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

export function pick<T>(random: () => number, list: readonly T[]): T {
  const item = list[Math.floor(random() * list.length)]
  if (item === undefined) throw new Error('an empty list has nothing to pick')
  return item
}

function randomChar(random: () => number): string {
  const code = 0x20 + Math.floor(random() * (0xd7a3 - 0x20))
  return tooNew.has(code) ? '?' : String.fromCodePoint(code)
}
