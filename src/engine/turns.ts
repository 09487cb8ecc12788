// One user of the machine at a time, first come first served: two programs that compute at once share the cores and lose.

export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` when those before it are done, whether they succeeded or not. */
  take<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(work, work)
    this.#last = mine.catch(() => undefined)
    return mine
  }
}

/** For programs that compute elsewhere and take nothing from each other. */
export const noTurns: Pick<Turns, 'take'> = { take: (work) => work() }
