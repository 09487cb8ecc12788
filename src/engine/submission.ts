// The tasks of one submission, as one that waits in turn with others: in the order in which they were given.

import type { Flow } from './fair-queue.js'
import type { TaskRun } from './task-run.js'

/** One sequence of a task. */
export interface Piece {
  task: TaskRun
  index: number
}

export class Submission implements Flow<Piece> {
  readonly priority: number
  readonly #tasks: readonly TaskRun[]
  #current = 0

  constructor(tasks: readonly TaskRun[], priority: number) {
    this.#tasks = tasks
    this.priority = priority
  }

  /** Tasks of which nothing is wanted any more are passed over. */
  peek(): Piece | undefined {
    for (; this.#current < this.#tasks.length; this.#current++) {
      const task = this.#tasks[this.#current]!
      const index = task.next
      if (index !== undefined) return { task, index }
    }
    return undefined
  }

  shift(): void {
    this.#tasks[this.#current]!.start()
  }
}
