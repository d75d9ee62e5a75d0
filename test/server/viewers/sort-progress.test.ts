import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { DataSource, Progress } from '../../../data/data-source.ts'
import type { Sorting } from '../../../protocol/channel.ts'
import { SortingWatch } from '../../../server/viewers/sort-progress.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A watch over a dataset that says these, one after the other, then the last again and again. */
function watchOver(answers: (Progress | Error)[]) {
  const told: Sorting[] = []
  const asked = vi.fn(async () => {
    const answer = answers[Math.min(asked.mock.calls.length, answers.length) - 1]
    if (answer instanceof Error) throw answer
    return answer
  })
  const source = { progress: asked } as unknown as DataSource // nothing else of it is asked
  return { told, asked, watch: new SortingWatch(Promise.resolve(source), (sorting) => told.push(sorting)) }
}

test('every whole percent is told once, then the end, and then nobody looks any more', async () => {
  const done = [0, 0.004, 0.251, 0.2599, 0.99, null]
  const { told, asked, watch } = watchOver(done.map((each) => ({ done: each, notes: [] })))
  watch.look()
  watch.look()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told.map(({ done }) => done)).toEqual([0, 0.25, 0.99, null])
  expect(asked).toHaveBeenCalledTimes(done.length)
  expect(watch.now).toEqual({ done: null, note: null })
})

test('where nothing is sorted nothing is told, but that there is no room is', async () => {
  const { told, watch } = watchOver([
    { done: null, notes: [] },
    { done: null, notes: ['No room.'] },
  ])
  watch.look()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toEqual([])
  watch.look()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toEqual([{ done: null, note: 'No room.' }])
})

test('a viewer that ended, or a dataset that cannot tell, is looked at no more', async () => {
  const { asked, watch } = watchOver([{ done: 0.5, notes: [] }])
  watch.look()
  await vi.advanceTimersByTimeAsync(1_100)
  watch.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked).toHaveBeenCalledTimes(3)
  const broken = watchOver([new Error('closed')])
  broken.watch.look()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(broken.asked).toHaveBeenCalledTimes(1)
})

test('what the kernel says while it is looked at is looked at too, once', async () => {
  const kept = { done: null, notes: [], bytes: 1_200_000_000 }
  const { told, asked, watch } = watchOver([kept, { done: null, notes: ['Given back.'], bytes: 0 }])
  watch.look()
  watch.look()
  watch.look()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toEqual([
    { done: null, note: null, bytes: 1_200_000_000 },
    { done: null, note: 'Given back.', bytes: 0 },
  ])
  expect(asked).toHaveBeenCalledTimes(2)
})
