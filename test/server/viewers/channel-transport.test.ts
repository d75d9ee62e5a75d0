import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { LIMITS } from '../../../server/process/limits.ts'
import { PollCarrier, SocketCarrier } from '../../../server/viewers/channel-transport.ts'

/** A socket whose peer reads only when told to. */
class SlowSocket extends EventEmitter {
  readonly OPEN = 1
  readyState = 1
  bufferedAmount = 0
  readonly sent: number[] = []
  isTerminated = false
  closedWith: [number, string] | null = null
  readonly #written: (() => void)[] = []

  send(frame: Uint8Array, _options: object, written: () => void): void {
    this.bufferedAmount += frame.byteLength
    this.sent.push(frame.byteLength)
    this.#written.push(written)
  }

  readAll(): void {
    this.bufferedAmount = 0
    for (const written of this.#written.splice(0)) written()
  }

  close(code: number, reason: string): void {
    this.closedWith = [code, reason]
  }

  terminate(): void {
    this.isTerminated = true
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a socket', () => {
  function stage() {
    const socket = new SlowSocket()
    return { socket, carrier: new SocketCarrier(socket as unknown as WebSocket) } // what the carrier uses of one
  }
  const MEGABYTE = new Uint8Array(1 << 20)

  test('that takes no more keeps the rest here, and gets it when it reads again', () => {
    const { socket, carrier } = stage()
    carrier.send(Array.from({ length: 20 }, () => MEGABYTE))
    expect(socket.sent).toHaveLength(9)
    socket.readAll()
    expect(socket.sent).toHaveLength(18)
    socket.readAll()
    expect(socket.sent).toHaveLength(20)
    vi.advanceTimersByTime(LIMITS.sendPausedMs * 2)
    expect(socket.isTerminated).toBe(false)
  })

  test('that takes nothing for 30 s is cut off', () => {
    const { socket, carrier } = stage()
    carrier.send(Array.from({ length: 20 }, () => MEGABYTE))
    vi.advanceTimersByTime(LIMITS.sendPausedMs - 1)
    expect(socket.isTerminated).toBe(false)
    vi.advanceTimersByTime(1)
    expect(socket.isTerminated).toBe(true)
  })

  test('that does not answer a close is cut off, and a long reason is cut to what a close frame takes', () => {
    const { socket, carrier } = stage()
    carrier.close(1001, 'é'.repeat(200))
    expect(socket.closedWith).toEqual([1001, 'é'.repeat(61)])
    vi.advanceTimersByTime(LIMITS.closeTimeoutMs)
    expect(socket.isTerminated).toBe(true)
  })
})

describe('polls', () => {
  const live = () => new AbortController().signal

  test('a page that asks no more is gone, and back when it asks', async () => {
    const presence: boolean[] = []
    const carrier = new PollCarrier((isPresent) => presence.push(isPresent))
    const first = carrier.next(0, live())
    vi.advanceTimersByTime(25_000)
    await first
    vi.advanceTimersByTime(LIMITS.pollSilentMs)
    const second = carrier.next(0, live())
    expect(presence).toEqual([true, false, true])
    carrier.close(1001, 'The viewer ended.')
    await expect(second).rejects.toMatchObject({ code: 'bad_key', message: 'The viewer ended.' })
  })

  test('a page that never fetches what waits for it has to start again', async () => {
    const carrier = new PollCarrier(() => undefined)
    for (let i = 0; i < 65; i++) carrier.send([new Uint8Array(1 << 20)])
    await expect(carrier.next(0, live())).rejects.toMatchObject({ code: 'closed' })
  })

  test('an asker who leaves frees the next one', async () => {
    const carrier = new PollCarrier(() => undefined)
    const leave = new AbortController()
    const left = carrier.next(0, leave.signal)
    leave.abort()
    expect((await left).byteLength).toBeGreaterThan(0)
    carrier.send([new Uint8Array(4)])
    expect((await carrier.next(0, live())).byteLength).toBeGreaterThan(0)
    carrier.close(1001, 'The test ended.')
  })

  test('one answer carries about a megabyte, and at least one frame', async () => {
    const carrier = new PollCarrier(() => undefined)
    carrier.send([new Uint8Array(700_000), new Uint8Array(700_000), new Uint8Array(10)])
    const sizes: number[] = []
    for (let after = 0; after < 3; after++) sizes.push((await carrier.next(after, live())).byteLength)
    expect(sizes.map((bytes) => Math.round(bytes / 100_000))).toEqual([7, 7, 0])
    carrier.close(1001, 'The test ended.')
  })
})
