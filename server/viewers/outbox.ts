import { type Command, STATE_LIKE_COMMANDS } from '../../protocol/commands.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { LIMITS } from '../process/limits.ts'

/** A command that no page has acknowledged yet. */
export type WaitingCommand = { seq: number; command: Command; body: Uint8Array }

/** The commands of one viewer that wait for a page, in order. Of state-like ones only the last of its kind waits. */
export class Outbox {
  #waiting: WaitingCommand[] = []
  #bytes = 0

  get waiting(): readonly WaitingCommand[] {
    return this.#waiting
  }

  /**
   * Add a command.
   * @returns those that it makes pointless; they are gone from the queue and settled
   * @throws ProtocolError `overloaded` when too much waits: no page takes anything
   */
  add(added: WaitingCommand): readonly WaitingCommand[] {
    const { kind } = added.command
    const isReplaced = (other: WaitingCommand) => STATE_LIKE_COMMANDS.has(kind) && other.command.kind === kind
    const replaced = this.#waiting.filter(isReplaced)
    for (const { seq } of replaced) this.settle(seq)
    // One that is large by itself may wait, alone: a session holds many sets of cells.
    const isTooLarge = this.#bytes > 0 && this.#bytes + added.body.byteLength > LIMITS.outboxBytes
    if (this.#waiting.length >= LIMITS.outboxCommands || isTooLarge) {
      const message = `${this.#waiting.length} commands wait for a page that shows this viewer; display it, then try again.`
      throw new ProtocolError('overloaded', message)
    }
    this.#waiting.push(added)
    this.#bytes += added.body.byteLength
    return replaced
  }

  /** The first acknowledgement settles a command. @returns false when it was settled before */
  settle(seq: number): boolean {
    const settled = this.#waiting.find((waiting) => waiting.seq === seq)
    if (settled === undefined) return false
    this.#waiting = this.#waiting.filter((waiting) => waiting !== settled)
    this.#bytes -= settled.body.byteLength
    return true
  }
}
