import { describe, expect, test, vi } from 'vitest'
import { ColumnCache } from '../../../server/frames/frame-cache.ts'

const never = new AbortController().signal
const frame = (length: number) => new Uint8Array(length)

describe('ColumnCache', () => {
  test('reads a column once for two who ask at the same time, and not again for a third', async () => {
    const cache = new ColumnCache<Uint8Array>(100)
    const make = vi.fn(async () => frame(10))
    const [first, second] = await Promise.all([cache.get('a', never, make), cache.get('a', never, make)])
    const third = await cache.get('a', never, make)
    expect(make).toHaveBeenCalledTimes(1)
    expect(second).toBe(first)
    expect(third).toBe(first)
  })

  test('one reader that leaves gets its own reason at once, and the other still gets the frame', async () => {
    const cache = new ColumnCache<Uint8Array>(100)
    const leaving = new AbortController()
    const { promise, resolve } = Promise.withResolvers<Uint8Array>()
    const left = cache.get('a', leaving.signal, () => promise)
    const stayed = cache.get('a', never, () => promise)
    const reason = new Error('another colour')
    leaving.abort(reason)
    await expect(left).rejects.toBe(reason)
    resolve(frame(3))
    expect(await stayed).toHaveLength(3)
  })

  test('what comes after its last reader has left is not kept, nor what is forgotten', async () => {
    const cache = new ColumnCache<Uint8Array>(100)
    const leaving = new AbortController()
    const { promise, resolve } = Promise.withResolvers<Uint8Array>()
    const left = cache.get('a', leaving.signal, () => promise)
    leaving.abort()
    await expect(left).rejects.toThrow()
    resolve(frame(3))
    await promise
    for (const key of ['b', 'c']) await cache.get(key, never, async () => frame(10))
    expect(cache.bytes).toBe(20)
    cache.forget((key) => key === 'b')
    expect(cache.bytes).toBe(10)
  })

  test('a read ends when its last reader leaves, and who asks then starts a new one', async () => {
    const cache = new ColumnCache<Uint8Array>(100)
    const leaving = new AbortController()
    let ended: AbortSignal | null = null
    const left = cache.get('a', leaving.signal, (signal) => {
      ended = signal
      return new Promise(() => undefined)
    })
    leaving.abort()
    await expect(left).rejects.toThrow()
    expect(ended).toHaveProperty('aborted', true)
    expect(await cache.get('a', never, async () => frame(4))).toHaveLength(4)
  })

  test('a failure reaches all who wait and is not kept', async () => {
    const cache = new ColumnCache<Uint8Array>(100)
    const failing = () => Promise.reject(new Error('damaged'))
    const results = await Promise.allSettled([cache.get('a', never, failing), cache.get('a', never, failing)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await cache.get('a', never, async () => frame(1))).toHaveLength(1)
  })

  test('holds no more bytes than it may, and lets go of what was not used longest', async () => {
    const cache = new ColumnCache<Uint8Array>(100)
    for (const key of ['a', 'b', 'c']) await cache.get(key, never, async () => frame(33))
    await cache.get('a', never, async () => frame(1))
    await cache.get('d', never, async () => frame(40))
    expect(cache.bytes).toBeLessThanOrEqual(100)
    const again = vi.fn(async () => frame(33))
    await cache.get('a', never, again)
    expect(again).not.toHaveBeenCalled()
    await cache.get('b', never, again)
    expect(again).toHaveBeenCalledTimes(1)
  })

  test('a frame larger than all of it is passed on and not kept', async () => {
    const cache = new ColumnCache<Uint8Array>(100)
    expect(await cache.get('a', never, async () => frame(101))).toHaveLength(101)
    expect(cache.bytes).toBe(0)
  })

  test('a signal that aborted before starts nothing', async () => {
    const make = vi.fn(async () => frame(1))
    await expect(new ColumnCache<Uint8Array>(9).get('a', AbortSignal.abort(), make)).rejects.toThrow()
    expect(make).not.toHaveBeenCalled()
  })
})
