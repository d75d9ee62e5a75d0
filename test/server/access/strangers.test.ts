import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { RefusedTokens } from '../../../server/access/refused-tokens.ts'
import { Strangers } from '../../../server/access/strangers.ts'

/** Only that it closes matters. */
const socket = () => new PassThrough() as unknown as Socket
const fewTurns = async () => {
  for (let i = 0; i < 4; i++) await new Promise(setImmediate)
}

test('past their number the longest silent stranger goes, and nobody who was proven', async () => {
  const strangers = new Strangers(2)
  const [proven, heard, silent, next, last] = Array.from({ length: 5 }, socket) as [
    Socket,
    Socket,
    Socket,
    Socket,
    Socket,
  ]
  for (const each of [proven, heard, silent]) strangers.enter(each)
  strangers.release(proven)
  strangers.heardOf(heard)
  strangers.enter(next)
  await fewTurns()
  expect([proven, heard, silent, next].map(({ destroyed }) => destroyed)).toEqual([false, false, true, false])
  next.destroy()
  await fewTurns()
  strangers.enter(last)
  await fewTurns()
  expect([heard, last].map(({ destroyed }) => destroyed)).toEqual([false, false])
})

test('of many that come at once, each may say its first word before one must go', async () => {
  const strangers = new Strangers(1)
  const crowd = Array.from({ length: 100 }, socket)
  for (const each of crowd) strangers.enter(each)
  setImmediate(() => strangers.release(crowd[0] ?? socket()))
  await fewTurns()
  expect(crowd.map(({ destroyed }, i) => (destroyed ? -1 : i)).filter((i) => i >= 0)).toEqual([0, 99])
})

test('refused tokens wait longer the more there were of a viewer or from an address', () => {
  const refused = new RefusedTokens()
  const delays = Array.from({ length: 50 }, (_, i) => refused.delayFor(`viewer ${i}`, '127.0.0.1'))
  expect([0, 9, 10, 19, 20, 30, 49].map((i) => delays[i])).toEqual([0, 0, 1_000, 1_000, 2_000, 4_000, 4_000])
  expect(refused.delayFor('viewer 1', '192.0.2.1')).toBe(0)
})
