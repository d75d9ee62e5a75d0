import type { Socket } from 'node:net'

/**
 * Connections on which nothing has been proven yet: anybody of this machine can open them, all from the one address that
 * honest pages come from too. There is room for so many; past it the longest silent one goes. Who has proven something, or
 * been challenged to, has left their number and keeps its place, however many strangers come.
 */
export class Strangers {
  readonly #room: number
  /** Oldest first. */
  readonly #sockets = new Set<Socket>()
  #isTrimming = false

  constructor(room: number) {
    this.#room = room
  }

  get count(): number {
    return this.#sockets.size
  }

  enter(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.release(socket))
    if (this.#sockets.size > this.#room) this.#trimSoon()
  }

  /** It asked for something that anybody may: it is the last to go. */
  heardOf(socket: Socket): void {
    if (this.#sockets.delete(socket)) this.#sockets.add(socket)
  }

  /** No stranger any more. */
  release(socket: Socket): void {
    this.#sockets.delete(socket)
  }

  /** Many are taken in at once, before a word of any is read: each may say its first before one must go. */
  #trimSoon(): void {
    if (this.#isTrimming) return
    this.#isTrimming = true
    setImmediate(() => setImmediate(() => this.#trim()))
  }

  #trim(): void {
    this.#isTrimming = false
    for (const oldest of this.#sockets) {
      if (this.#sockets.size <= this.#room) return
      this.#sockets.delete(oldest)
      oldest.destroy()
    }
  }
}
