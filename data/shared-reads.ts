type Flight<T> = { promise: Promise<T>; controller: AbortController; readers: number }

/**
 * One read at a time for each key, shared by all who ask for it meanwhile. A reader that leaves (its signal aborts)
 * rejects with the signal's reason at once; the read itself ends when its last reader has left.
 */
export class SharedReads<T> {
  readonly #flights = new Map<string, Flight<T>>()

  async read(key: string, signal: AbortSignal, make: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const flight = this.#flights.get(key) ?? this.#start(key, make)
    flight.readers += 1
    try {
      return await untilAborted(flight.promise, signal)
    } finally {
      flight.readers -= 1
      if (flight.readers === 0) this.#end(key, flight)
    }
  }

  #start(key: string, make: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController()
    const flight: Flight<T> = { promise: make(controller.signal), controller, readers: 0 }
    this.#flights.set(key, flight)
    return flight
  }

  /** Also after a success, where aborting stops nothing: a finished read is not shared any more. */
  #end(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
    flight.controller.abort(new DOMException('The last reader left.', 'AbortError'))
  }
}

/** The promise's outcome, or the signal's reason if that comes first. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const leave = () => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
