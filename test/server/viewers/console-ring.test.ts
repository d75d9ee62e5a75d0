import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConsoleLine } from '../../../protocol/events.ts'
import { LIMITS } from '../../../server/process/limits.ts'
import { ConsoleRing } from '../../../server/viewers/console-ring.ts'

function line(message: string, changes: Partial<ConsoleLine> = {}): ConsoleLine {
  return { level: 'warning', message, ts: 1, count: 1, from: 'page', ...changes }
}

describe('what pages and widgets write to their consoles', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  test('is merged where neighbours are equal, with how often and when last', () => {
    const ring = new ConsoleRing()
    ring.add([line('the same', { count: 16 }), line('the same', { ts: 7 }), line('another'), line('the same')])
    ring.add([line('the same', { from: 'widget' }), line('the same', { from: 'widget', level: 'error' })])
    expect(ring.lines.map(({ message, count, ts, from, level }) => [message, count, ts, from, level])).toEqual([
      ['the same', 17, 7, 'page', 'warning'],
      ['another', 1, 1, 'page', 'warning'],
      ['the same', 1, 1, 'page', 'warning'],
      ['the same', 1, 1, 'widget', 'warning'],
      ['the same', 1, 1, 'widget', 'error'],
    ])
  })

  test('is kept up to a hundred lines a second, and the rest is counted, merged ones with what they stand for', () => {
    const ring = new ConsoleRing()
    for (let n = 0; n < LIMITS.consoleLinesPerSecond + 50; n++) ring.add([line(`line ${n}`, { count: 2 })])
    expect([ring.lines.length, ring.dropped]).toEqual([LIMITS.consoleLinesPerSecond, 100])
    vi.advanceTimersByTime(1_000)
    ring.add([line('a second later')])
    expect([ring.lines.length, ring.dropped]).toEqual([LIMITS.consoleLinesPerSecond + 1, 100])
  })

  test('is a thousand lines at most: the oldest leaves', () => {
    const ring = new ConsoleRing()
    for (let n = 0; n < LIMITS.consoleLines + 1; n++) {
      if (n % LIMITS.consoleLinesPerSecond === 0) vi.advanceTimersByTime(1_000)
      ring.add([line(`line ${n}`)])
    }
    expect(ring.lines.map(({ message }) => message)).toHaveLength(LIMITS.consoleLines)
    expect([ring.lines[0]?.message, ring.lines.at(-1)?.message]).toEqual(['line 1', `line ${LIMITS.consoleLines}`])
  })

  test('holds no secret and no endless line, wherever it stood', () => {
    const ring = new ConsoleRing()
    const token = 'ab'.repeat(32)
    ring.add([line(`failed with ${token}`, { filename: `http://127.0.0.1/?viewerToken=${token}` })])
    ring.add([line('x y '.repeat(5_000))])
    expect(JSON.stringify(ring.lines)).not.toContain(token)
    expect(ring.lines.map(({ message }) => message.length)).toEqual([expect.any(Number), LIMITS.consoleLineBytes])
  })
})
