// Lets a process that ends wait for native code in its worker.
//
// A process that ends takes its worker threads away. The binding of ONNX Runtime, back from a long call, then finds that
// it may not run JavaScript any more, and aborts the whole process.

const idle = 0
const busy = 1
const shut = 2

/** Shared by the two threads through `cell`. */
export class Gate {
  readonly cell: Int32Array<SharedArrayBuffer>

  constructor(cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))) {
    this.cell = cell
  }

  /** In the worker: do native work. Once the gate is shut the work is not begun, and the promise never settles. */
  async pass<Result>(work: () => Promise<Result>): Promise<Result> {
    if (Atomics.compareExchange(this.cell, 0, idle, busy) === shut) return new Promise(() => {})
    try {
      return await work()
    } finally {
      Atomics.store(this.cell, 0, idle)
      Atomics.notify(this.cell, 0)
    }
  }

  /** In the main thread: block until the worker is in no native work, and let it begin none. */
  shut(): void {
    while (Atomics.compareExchange(this.cell, 0, idle, shut) === busy) Atomics.wait(this.cell, 0, busy)
  }
}
