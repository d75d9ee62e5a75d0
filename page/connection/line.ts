import { Backoff } from './backoff.ts'
import { type Connection, ConnectionEnded } from './connection.ts'
import { ServerFailure } from './server-failure.ts'
import type { Answer, Call } from './transport.ts'

/** Resolves when the next try to come back is allowed. */
export type Permit = (signal: AbortSignal) => Promise<void>

type Open = () => Promise<Connection | null>

/**
 * One proven connection after the other, to one and the same server. What is asked while none stands waits for the next;
 * whoever answers then has proven itself first.
 */
export class Line {
  readonly #open: Open
  readonly #permit: Permit
  #connection: Connection
  #isUp = true
  #next = Promise.withResolvers<void>()

  /** @param open proves both ends again, by the first connection's page key */
  constructor(first: Connection, open: Open, permit: Permit) {
    this.#connection = first
    this.#open = open
    this.#permit = permit
    this.#follow(first)
    this.#next.promise.catch(() => undefined) // told to whoever waits
  }

  get instanceId(): string {
    return this.#connection.instanceId
  }

  get connection(): Connection {
    return this.#connection
  }

  /** @throws ServerFailure when there will be no connection any more; the signal's reason when it aborts */
  async call(call: Call): Promise<Answer> {
    for (;;) {
      if (!this.#isUp) await Promise.race([this.#next.promise, aborted(call.signal)])
      const connection = this.#connection
      try {
        return await connection.call(call)
      } catch (error) {
        if (!(error instanceof ConnectionEnded)) throw error
        call.signal.throwIfAborted()
        this.#down(connection)
      }
    }
  }

  /** After the end of a connection: the next one. @throws ServerFailure when the server knows this page no more */
  async again(signal: AbortSignal): Promise<Connection> {
    for (const backoff = new Backoff(); ; ) {
      await this.#permit(signal)
      const connection = await this.#open()
      if (connection !== null) {
        this.#up(connection)
        return connection
      }
      await backoff.wait(signal)
    }
  }

  /** Nothing will come any more: what waits is told why. */
  giveUp(reason: unknown): void {
    this.#down(this.#connection)
    this.#next.reject(reason instanceof Error ? reason : new ServerFailure('network', String(reason)))
  }

  #up(connection: Connection): void {
    this.#connection = connection
    this.#isUp = true
    this.#follow(connection)
    this.#next.resolve()
  }

  #follow(connection: Connection): void {
    void connection.ended.then(() => this.#down(connection))
  }

  #down(connection: Connection): void {
    if (!this.#isUp || this.#connection !== connection) return
    this.#isUp = false
    this.#next = Promise.withResolvers()
    this.#next.promise.catch(() => undefined) // told to whoever waits
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
