// Loads what draws on terminals, which takes a third of a second and is of no use elsewhere.

import type { Screen, Size } from './screen.js'

export async function openScreen(
  stream: NodeJS.WriteStream,
  frame: (size: Size) => readonly string[],
): Promise<Screen> {
  // React's other build keeps a record of every render, for ever.
  process.env.NODE_ENV ??= 'production'
  const screen = await import('./screen.js')
  return screen.openScreen(stream, frame)
}
