// `qvl top`: what a running server does, read from its metrics; live on a terminal, as plain text or JSON elsewhere.

import { setTimeout as sleep } from 'node:timers/promises'
import { type ServerWatch, watchServer } from '../bench/watch.js'
import { QvlError } from '../errors.js'
import type { Context } from './context.js'
import { panelLines } from './panel/layout.js'
import { symbolsFor } from './panel/line.js'
import { Recent, type Snapshot } from './panel/snapshot.js'
import { snapshotJson } from './panel/snapshot-json.js'
import { firstKey } from './serve-access.js'
import { writeTo } from './write-to.js'

const defaultUrl = 'http://127.0.0.1:8000'
const defaultIntervalSec = 1
/** Of text that is not for a terminal. */
const plainColumns = 80

/** Ends with a signal, or after one look. Throws USAGE, UNAUTHORIZED, and UPSTREAM_UNAVAILABLE where one look is all. */
export async function top(context: Context): Promise<number> {
  const { settings, operands, signal, interrupt } = context
  // It only watches: nothing is stopped.
  interrupt.explain = ''
  const apiKey = await firstKey(settings, process.env)
  await using watch = watchServer({ url: addressOf(operands), apiKey, insecure: settings.insecure })
  const intervalMs = 1000 * (settings.interval ?? defaultIntervalSec)
  const looks = snapshots(watch, intervalMs, signal)
  if (settings.once) await showOnce(context, looks)
  else if (isLive(context)) await showLive(context, looks)
  else for await (const snapshot of looks) await writeTo(context.stdout, textOf(snapshot, context))
  return 0
}

/** The first throws for a server that is away: at the beginning that is most likely a wrong address. */
async function* snapshots(watch: ServerWatch, intervalMs: number, signal: AbortSignal): AsyncGenerator<Snapshot> {
  const recent = new Recent()
  for (;;) {
    yield recent.add(await watch.read(signal), performance.now(), Date.now() / 1000)
    await sleep(intervalMs, undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
  }
}

/** Rates need two readings. */
async function showOnce(context: Context, looks: AsyncGenerator<Snapshot>): Promise<void> {
  let numLeft = 2
  for await (const snapshot of looks) {
    if (snapshot.state === 'unreachable') throw unavailable(snapshot)
    numLeft -= 1
    if (numLeft > 0) continue
    await writeTo(context.stdout, textOf(snapshot, context))
    return
  }
}

const isLive = ({ settings, terminal, stdout }: Context): boolean =>
  !settings.json && settings.progress && stdout.isTTY === true && terminal.stdout.isTty && process.env.TERM !== 'dumb'

async function showLive(
  { stdout, terminal, closeAtEnd, interrupt }: Context,
  looks: AsyncGenerator<Snapshot>,
): Promise<void> {
  const { openScreen } = await import('./panel/open-screen.js')
  const symbols = symbolsFor(process.env)
  let last: Snapshot | undefined
  const screen = await openScreen(stdout, (size) =>
    last === undefined ? [] : panelLines(last, { ...size, color: terminal.stdout.color, symbols }),
  )
  interrupt.restore = () => screen.close()
  closeAtEnd(async () => screen.close())
  try {
    for await (const snapshot of looks) {
      last = snapshot
      screen.draw()
    }
  } finally {
    screen.close()
  }
}

/** The panel as it is on a terminal, one after the other, or a line of JSON. */
function textOf(snapshot: Snapshot, { settings, stdout, terminal }: Context): string {
  if (settings.json) return `${snapshotJson(snapshot)}\n`
  const columns = stdout.columns ?? plainColumns
  const size = {
    columns,
    rows: Number.POSITIVE_INFINITY,
    color: terminal.stdout.color,
    symbols: symbolsFor(process.env),
  }
  return `${panelLines(snapshot, size).join('\n')}\n${settings.once ? '' : '\n'}`
}

function addressOf([address = defaultUrl, ...more]: readonly string[]): string {
  if (more.length === 0) return address
  throw new QvlError('USAGE', {
    what: `qvl top watches one server, and ${more.length + 1} were named.`,
    why: 'Each terminal has room for one panel.',
    do: 'Start qvl top in a terminal of its own for each.',
  })
}

const unavailable = ({ why, address }: Snapshot): QvlError =>
  new QvlError('UPSTREAM_UNAVAILABLE', {
    what: why,
    why: 'qvl top reads the metrics of a server that is running.',
    do: `Start a server, or correct the address ${address}.`,
  })
