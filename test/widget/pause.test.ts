import { expect, test } from 'vitest'
import { pause } from '../../widget/pause.ts'

test('a pause ends with its signal, also one that had ended before', async () => {
  const stop = new AbortController()
  const waiting = pause(60_000, stop.signal)
  stop.abort()
  expect(await waiting).toBe(true)
  expect(await pause(60_000, stop.signal)).toBe(true)
  expect(await pause(0, new AbortController().signal)).toBe(false)
})
