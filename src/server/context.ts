// What handlers can reach, some of it only once the model is loaded.

import type { Engine } from '../engine/requests.js'
import { QvlError } from '../errors.js'
import type { Admission } from './admission.js'
import type { Life } from './life.js'
import type { Metrics } from './metrics.js'
import type { Readiness, ServerContext } from './route.js'
import type { OpenedModel, ServerOptions } from './server.js'
import type { Watchdog } from './watchdog.js'

interface Parts {
  life: Life
  metrics: Metrics
  watchdog: Watchdog
  admission: Admission
  /** Undefined until it is loaded. */
  model: () => OpenedModel | undefined
}

export function serverContext(options: ServerOptions, parts: Parts): ServerContext {
  const { servedModelNames, apiStyle, promptTokensDetails, limits, log, trustRequestChatTemplate, version } = options
  const { life, metrics, watchdog, admission } = parts
  const model = (): OpenedModel => {
    const opened = parts.model()
    if (opened === undefined) throw notLoaded(life.why)
    return opened
  }
  return {
    get engine() {
      return model().engine
    },
    get preparation() {
      return model().preparation
    },
    get readiness() {
      return readinessOf(life, parts.model()?.engine)
    },
    liveness: watchdog,
    servedModelNames,
    created: Math.floor(Date.now() / 1000),
    apiStyle,
    promptTokensDetails,
    limits,
    metrics,
    log,
    trustRequestChatTemplate,
    get numInFlight() {
      return admission.numInFlight
    },
    version,
  }
}

/** A server without a replica that answers is as good as none: those in front of it should know. */
function readinessOf(life: Life, engine: Engine | undefined): Readiness {
  const replicas = engine?.replicas?.() ?? []
  const isCutOff = replicas.length > 0 && !replicas.some(({ isHealthy }) => isHealthy)
  return life.state === 'ready' && isCutOff ? { state: 'failed', why: 'No replica is ready.' } : life
}

function notLoaded(why: string): QvlError {
  return new QvlError('NOT_READY', {
    what: 'The model is not loaded.',
    why,
    do: 'Try again after the time in Retry-After; /health/ready tells when it is ready.',
  })
}
