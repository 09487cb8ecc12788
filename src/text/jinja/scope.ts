// Names in a template: each loop iteration and macro call has its own, and sees those around it.

import type { Value } from './values.js'

export class Scope {
  private readonly values = new Map<string, Value>()

  constructor(private readonly outer?: Scope) {}

  get(name: string): Value {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.outer) {
      if (scope.values.has(name)) return scope.values.get(name)
    }
    return undefined
  }

  set(name: string, value: Value): void {
    this.values.set(name, value)
  }
}
