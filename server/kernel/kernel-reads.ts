import type { KernelRead } from '../sources/open-source.ts'
import type { Pipe } from './json-rpc-pipe.ts'

/** Reads of arrays that live in the kernel. It hears when nobody waits for one any more, and tells how far a long one is. */
export class KernelReads {
  readonly #pipe: Pipe
  readonly #progress = new Map<number, (done: number) => void>()
  #nextId = 1

  constructor(pipe: Pipe) {
    this.#pipe = pipe
  }

  /** Reads of the source that the kernel knows by this name. */
  from(sourceId: string): KernelRead {
    return async (read, signal, progress) => {
      const readId = this.#nextId++
      this.#progress.set(readId, progress ?? (() => undefined))
      try {
        return await this.#pipe.call('source.read', { sourceId, readId, read }, signal)
      } catch (error) {
        if (signal.aborted) void this.#pipe.notify('source.cancel', { readId })
        throw error
      } finally {
        this.#progress.delete(readId)
      }
    }
  }

  /** The kernel says how far a read is; of one that has ended meanwhile nobody wants to know. */
  tell(readId: number, done: number): void {
    this.#progress.get(readId)?.(done)
  }
}
