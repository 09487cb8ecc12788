// Finds the row of the route table that a request line means.

import type { Route } from '../route.js'

export interface Target {
  /** Percent-decoded, without root path and query; as the access rules and the handler see it. */
  path: string
  query: URLSearchParams
}

export type Match =
  | { kind: 'route'; route: Route }
  /** The path is known, the method is not. */
  | { kind: 'method'; route: Route; allowed: readonly string[] }
  | { kind: 'none' }

export interface Router {
  match(method: string, path: string): Match
}

/** Throws when two routes claim one method and path. */
export function routerOf(routes: readonly Route[]): Router {
  const byPath = new Map<string, Route[]>()
  for (const route of routes) {
    for (const path of route.paths) byPath.set(path, [...(byPath.get(path) ?? []), route])
  }
  for (const [path, sharing] of byPath) checkOnce(path, sharing)
  return {
    match(method, path) {
      // FastAPI sends a client that ends a path in a slash to the path without it.
      const found = byPath.get(path) ?? byPath.get(path.replace(/\/$/, ''))
      if (found === undefined) return { kind: 'none' }
      const route = found.find((one) => methodsOf(one).includes(method))
      if (route !== undefined) return { kind: 'route', route }
      return { kind: 'method', route: found[0]!, allowed: found.flatMap(methodsOf) }
    },
  }
}

/** The parts of a request target; undefined when it is not one. A proxy may send the absolute form (RFC 9112, 3.2.2). */
export function parseTarget(url: string, rootPath: string): Target | undefined {
  const relative = url.replace(/^https?:\/\/[^/?]*/i, '')
  const mark = relative.indexOf('?')
  const path = decodePath(mark === -1 ? relative : relative.slice(0, mark))
  if (path === undefined || !path.startsWith('/')) return undefined
  const query = new URLSearchParams(mark === -1 ? '' : relative.slice(mark + 1))
  // A proxy may have removed the root path already.
  const isBelow = rootPath !== '' && path.startsWith(`${rootPath}/`)
  return { path: isBelow ? path.slice(rootPath.length) : path, query }
}

/** An encoded slash is not a separator, so it stays as it is. */
function decodePath(path: string): string | undefined {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path.replace(/%2f/gi, '%252F'))
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** HEAD is answered wherever GET is. */
const methodsOf = (route: Route): string[] =>
  route.methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))

function checkOnce(path: string, sharing: readonly Route[]): void {
  const methods = sharing.flatMap((route) => route.methods)
  if (new Set(methods).size < methods.length) throw new Error(`two routes answer the same method of ${path}`)
}
