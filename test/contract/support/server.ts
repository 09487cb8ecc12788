// A server on a golden checkpoint, in this process, asked over a real socket.

import { isAbsolute } from 'node:path'
import { openEngine } from '#qvl/engine/engine.js'
import type { EngineOptions } from '#qvl/engine/options.js'
import type { Engine } from '#qvl/engine/requests.js'
import { type Limits, limitsWith } from '#qvl/server/limits.js'
import { openLog } from '#qvl/server/log.js'
import { openPreparation } from '#qvl/server/prepare/preparation.js'
import { routeTable } from '#qvl/server/routes.js'
import { startServer } from '#qvl/server/server.js'
import { goldenPath } from '../../support/golden.js'

export interface ContractServer extends AsyncDisposable {
  url: string
  engine: Engine
}

export interface ContractServerOptions {
  apiStyle?: 'vllm' | 'sglang'
  limits?: Partial<Limits>
  engine?: Partial<EngineOptions>
}

/**
 * `checkpoint` is a folder of test/golden/checkpoints, or an absolute path. float32, because the golden numbers are. The served name is `tiny`.
 */
export async function startContractServer(
  checkpoint: string,
  { apiStyle = 'vllm', limits: given = {}, engine: more = {} }: ContractServerOptions = {},
): Promise<ContractServer> {
  const limits = limitsWith(given)
  const servedModelNames = ['tiny', 'tiny-alias']
  const log = openLog({ format: 'text', level: 'error', write: (text) => process.stderr.write(text) })
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    access: {
      apiKeys: [],
      openMetrics: false,
      allowedHosts: [],
      allowedOrigins: [],
      allowedMethods: [],
      allowedHeaders: [],
      allowCredentials: false,
    },
    rootPath: '',
    routes: routeTable({ documentation: true }),
    limits,
    log,
    servedModelNames,
    apiStyle,
    promptTokensDetails: false,
    trustRequestChatTemplate: false,
    version: '0.0.0',
    async open({ onBatch }) {
      const model = isAbsolute(checkpoint) ? checkpoint : goldenPath(`checkpoints/${checkpoint}`)
      const engine = await openEngine({ model, dtype: 'float32', threads: 2, onBatch, ...more })
      const settings = { servedModelNames, limits, trustRequestChatTemplate: false }
      const preparation = await openPreparation({ engine, settings, numThreads: 1, warn: () => {} })
      return { engine, preparation }
    },
  })
  await server.ready
  const { engine } = server
  if (engine === undefined) throw new Error('a server that is ready has an engine')
  return { url: server.address, engine, [Symbol.asyncDispose]: () => server.close() }
}
