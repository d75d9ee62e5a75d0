import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Overheard } from './squatter.ts'

const PROGRAM = join(import.meta.dirname, 'squatter.ts')
/** Nobody, where this is root; else the same user, who answers all the same. */
const STRANGER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** `heard`: what it is told, so far and later; `bound`: its first moment at the port. Whoever starts it kills `child`. */
type Squatter = { heard: Overheard[]; bound: Promise<void>; child: ChildProcess }

/** Another user's program that waits for a port. Resolves when it waits. */
export async function startSquatter(port: number): Promise<Squatter> {
  const child = spawn(process.execPath, [PROGRAM, String(port)], { ...STRANGER, stdio: ['pipe', 'pipe', 'inherit'] })
  const heard: Overheard[] = []
  const waiting = Promise.withResolvers<void>()
  const bound = Promise.withResolvers<void>()
  createInterface(child.stdout).on('line', (line) => {
    const word: Overheard = JSON.parse(line)
    if (word.kind === 'waiting') waiting.resolve()
    else heard.push(word)
    if (word.kind === 'bound') bound.resolve()
  })
  await waiting.promise
  return { heard, bound: bound.promise, child }
}
