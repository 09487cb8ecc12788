// The process itself: memory, open files, processor time, and how late the event loop runs.

import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, type Registry } from 'prom-client'

/** How often the event loop is looked at; shorter delays are not seen. */
const resolutionMs = 10

export interface ProcessMetrics {
  close(): void
}

export function processMetrics(registry: Registry): ProcessMetrics {
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read()
        if (value !== undefined) this.set(value)
      },
    })
  }
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  gauge('process_start_time_seconds', 'Unix time of the start.', () => Math.round(performance.timeOrigin / 1000))
  if (process.platform === 'linux') gauge('process_open_fds', 'Open files and sockets.', countOpenFiles)
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of all threads.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    },
  })
  return eventLoopLag(registry)
}

/** One less than there are entries: reading the folder opens it. */
const countOpenFiles = (): number => readdirSync('/proc/self/fd').length - 1

/** Lateness since the reading before, so that one old hiccup is not shown for ever. */
function eventLoopLag(registry: Registry): ProcessMetrics {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  new Gauge({
    name: 'qvl_event_loop_lag_seconds',
    help: 'How late the event loop ran since the last scrape.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3)
      const seen = delay.count > 0
      this.set({ quantile: '0.5' }, seen ? seconds(delay.percentile(50)) : 0)
      this.set({ quantile: '0.99' }, seen ? seconds(delay.percentile(99)) : 0)
      this.set({ quantile: '1' }, seen ? seconds(delay.max) : 0)
      delay.reset()
    },
  })
  return {
    close: () => {
      delay.disable()
    },
  }
}
