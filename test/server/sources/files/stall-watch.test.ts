import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { StallWatch } from '../../../../server/sources/files/stall-watch.ts'

const PATIENCE_MS = 10_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** A thread that works this share of the time; `null`: on a Node that cannot tell. */
function watchOver(share: number | null) {
  const stalled = vi.fn()
  const thread = { progress: 1 }
  const cpuUsage = async () => ({ user: performance.now() * 1000 * (share ?? 0), system: 0 })
  const worker = (share === null ? {} : { cpuUsage }) as ConstructorParameters<typeof StallWatch>[0]
  const watch = new StallWatch(worker, { progress: () => thread.progress, patienceMs: () => PATIENCE_MS, stalled })
  return { watch, thread, stalled }
}

describe('a thread without progress', () => {
  test.each([
    ['that works all the time is noticed after so much time', 1, PATIENCE_MS],
    ['that gets half of a processor after twice of it', 0.5, 2 * PATIENCE_MS],
    ['that gets nothing done by the clock, later', 0, 6 * PATIENCE_MS],
    ['on a Node that cannot tell its work by the clock', null, PATIENCE_MS],
  ] as const)('%s', async (_, share, afterMs) => {
    const { watch, stalled } = watchOver(share)
    watch.start()
    await vi.advanceTimersByTimeAsync(afterMs)
    expect(stalled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1_500)
    expect(stalled).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(PATIENCE_MS)
    expect(stalled).toHaveBeenCalledTimes(1)
  })
})

test('a thread that makes progress, answers, or is asked nothing may take as long as it likes', async () => {
  const { watch, thread, stalled } = watchOver(1)
  watch.start()
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(PATIENCE_MS - 1_000)
    if (i % 2 === 0) thread.progress++
    else watch.moved()
    await vi.advanceTimersByTimeAsync(500)
  }
  watch.stop()
  await vi.advanceTimersByTimeAsync(3 * PATIENCE_MS)
  expect(stalled).not.toHaveBeenCalled()
})
