import type { Command } from '../../protocol/commands.ts'

/**
 * Which command waits for which. A colour on its way keeps no highlight waiting, and the next colour overtakes it. But a
 * picture or a session is of what was asked for before it, and nothing begins while a session is put back or all is read
 * anew: what was on screen then would take the place of what was asked for.
 */
export class CommandOrder {
  readonly #underWay = new Set<Promise<unknown>>()
  /** The last session or reading anew that was asked for. */
  #renewed: Promise<unknown> = Promise.resolve()

  /** Apply a command when its turn comes. Rejects as `apply` does. */
  run<Outcome>({ kind }: Command, apply: () => Promise<Outcome>): Promise<Outcome> {
    const before = OF_THE_WHOLE.has(kind) ? Promise.allSettled(this.#underWay) : this.#renewed
    const applied = before.then(apply)
    const done = Promise.allSettled([applied])
    this.#underWay.add(done)
    void done.then(() => this.#underWay.delete(done))
    if (kind === 'loadSession' || kind === 'refresh') this.#renewed = done
    return applied
  }
}

const OF_THE_WHOLE: ReadonlySet<Command['kind']> = new Set([
  'screenshot',
  'freeze',
  'requestSessionBundle',
  'loadSession',
  'refresh',
])
