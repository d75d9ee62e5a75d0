import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Overheard } from './squatter.ts'

const PROGRAM = join(import.meta.dirname, 'squatter.ts')
/** Nobody, where this is root; else the same user, who answers all the same. */
const STRANGER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/**
 * `bound`: its first moment at the port; `heardAll` ends it and tells all that it was told, since its words come by a
 * pipe, later than its answers reach a page. Whoever starts it kills `child` where that was not called.
 */
type Squatter = { bound: Promise<void>; heardAll: () => Promise<Overheard[]>; child: ChildProcess }

/** Another user's program that waits for a port. Resolves when it waits. */
export async function startSquatter(port: number): Promise<Squatter> {
  const child = spawn(process.execPath, [PROGRAM, String(port)], { ...STRANGER, stdio: ['pipe', 'pipe', 'inherit'] })
  const heard: Overheard[] = []
  const waiting = Promise.withResolvers<void>()
  const bound = Promise.withResolvers<void>()
  const lines = createInterface(child.stdout)
  const ended = once(lines, 'close')
  lines.on('line', (line) => {
    const word: Overheard = JSON.parse(line)
    if (word.kind === 'waiting') waiting.resolve()
    else heard.push(word)
    if (word.kind === 'bound') bound.resolve()
  })
  await waiting.promise
  const heardAll = async () => {
    child.stdin.end()
    await ended
    return heard
  }
  return { bound: bound.promise, heardAll, child }
}
