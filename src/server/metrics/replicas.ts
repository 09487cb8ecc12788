// The replicas of a server that computes elsewhere, read when the metrics are. Without replicas there are no samples.

import { Counter, Gauge, type Registry } from 'prom-client'
import type { ReplicaReport } from '../../engine/requests.js'
import type { MetricsOptions } from '../metrics.js'

interface Reading {
  name: string
  help: string
  read: (replica: ReplicaReport) => number
}

const gauges: readonly Reading[] = [
  { name: 'qvl_replica_up', help: '1 while the replica is healthy.', read: ({ isHealthy }) => Number(isHealthy) },
  { name: 'qvl_replica_running_calls', help: 'Calls under way at the replica.', read: ({ calls }) => calls },
  { name: 'qvl_replica_running_tokens', help: 'Tokens under way at the replica.', read: ({ tokens }) => tokens },
]

const counters: readonly Reading[] = [
  { name: 'qvl_replica_calls_total', help: 'Calls that the replica answered.', read: ({ answered }) => answered },
  { name: 'qvl_replica_failures_total', help: 'Calls that failed there.', read: ({ failed }) => failed },
]

export function replicaMetrics(registry: Registry, { engine }: MetricsOptions): void {
  const registers = [registry]
  const labelNames = ['replica'] as const
  const replicas = (): readonly ReplicaReport[] => engine()?.replicas?.() ?? []
  for (const { name, help, read } of gauges) {
    new Gauge({
      ...{ name, help, registers, labelNames },
      collect() {
        for (const replica of replicas()) this.set({ replica: replica.url }, read(replica))
      },
    })
  }
  for (const { name, help, read } of counters) {
    new Counter({
      ...{ name, help, registers, labelNames },
      collect() {
        this.reset()
        for (const replica of replicas()) this.inc({ replica: replica.url }, read(replica))
      },
    })
  }
}
