import { expect, test } from 'vitest'
import { CommandOrder } from '../../../page/viewer/command-order.ts'
import type { Command } from '../../../protocol/commands.ts'

const COLOR: Command = { kind: 'setColorBy', field: 'CD3D' }
const RESET: Command = { kind: 'resetCamera' }
const PICTURE: Command = { kind: 'screenshot', requestId: 'r', scale: 1 }
const SESSION: Command = { kind: 'loadSession', requestId: 'r', state: {}, sets: [] }

/** Commands that end when they are told to, and what has begun so far. */
function stage() {
  const order = new CommandOrder()
  const begun: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  return {
    begun,
    run: (name: string, command: Command) =>
      order.run(command, () => {
        begun.push(name)
        return new Promise<string>((resolve, reject) => {
          ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)))
        })
      }),
    async end(name: string, error?: Error) {
      ends.get(name)?.(error)
      await settled()
    },
  }
}

/** Long enough for all promises that wait for nothing. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

test('a colour on its way keeps no other command waiting', async () => {
  const { begun, run } = stage()
  void run('colour', COLOR)
  void run('reset', RESET)
  void run('another colour', COLOR)
  await settled()
  expect(begun).toEqual(['colour', 'reset', 'another colour'])
})

test('a picture is of what was asked for before it, also where that failed', async () => {
  const { begun, run, end } = stage()
  const failed = run('colour', COLOR)
  void run('reset', RESET)
  const picture = run('picture', PICTURE)
  void run('later', RESET)
  await settled()
  expect(begun).toEqual(['colour', 'reset', 'later'])
  await end('reset')
  await end('colour', new Error('no such gene'))
  await expect(failed).rejects.toThrow('no such gene')
  expect(begun.at(-1)).toBe('picture')
  await end('picture')
  expect(await picture).toBe('picture')
})

test('what is asked for after a session comes after it, and not in the middle', async () => {
  const { begun, run, end } = stage()
  void run('session', SESSION)
  void run('colour', COLOR)
  await settled()
  expect(begun).toEqual(['session'])
  await end('session', new Error('a gene of it is gone'))
  expect(begun).toEqual(['session', 'colour'])
})

test('what is read anew is what was asked for before, and what is asked for after comes after', async () => {
  const { begun, run, end } = stage()
  void run('embedding', { kind: 'setEmbedding', name: 'X_umap' })
  void run('refresh', { kind: 'refresh' })
  void run('colour', COLOR)
  await settled()
  expect(begun).toEqual(['embedding'])
  await end('embedding')
  expect(begun).toEqual(['embedding', 'refresh'])
  await end('refresh')
  expect(begun).toEqual(['embedding', 'refresh', 'colour'])
})
