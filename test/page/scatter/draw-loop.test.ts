import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DrawLoop } from '../../../page/scatter/draw-loop.ts'

let frames: (() => void)[] = []

beforeEach(() => {
  frames = []
  vi.useFakeTimers()
  vi.stubGlobal('requestAnimationFrame', (then: () => void) => frames.push(then))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function nextFrame(): void {
  for (const then of frames.splice(0)) then()
}

test('a still picture is drawn as soon as all is asked for, once, and waits for no frame', async () => {
  const draw = vi.fn(() => true)
  const loop = new DrawLoop(draw)
  loop.request()
  loop.request()
  expect(draw).toHaveBeenCalledTimes(0)
  await loop.drawn()
  expect(draw).toHaveBeenCalledTimes(1)
  expect(frames).toHaveLength(1)
})

test('there is one picture a frame, however often one is asked for, and none when nothing asks', async () => {
  const draw = vi.fn(() => true)
  const loop = new DrawLoop(draw)
  loop.request()
  await loop.drawn()
  for (let i = 0; i < 3; i++) loop.request()
  await Promise.resolve()
  expect(draw).toHaveBeenCalledTimes(1)
  nextFrame()
  expect(draw).toHaveBeenCalledTimes(2)
  nextFrame()
  nextFrame()
  expect(draw).toHaveBeenCalledTimes(2)
  expect(frames).toEqual([])
})

test('where no frame comes, since nobody sees the page, the next picture is drawn all the same', async () => {
  const draw = vi.fn(() => true)
  const loop = new DrawLoop(draw)
  loop.request()
  await loop.drawn()
  loop.request()
  await vi.advanceTimersByTimeAsync(500) // a slow card's frame may still come
  expect(draw).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(600)
  expect(draw).toHaveBeenCalledTimes(2)
})

test('where no frame has come for long, what is asked for is drawn at once, and what asks again while it is drawn does not spin', async () => {
  let steps = 1
  const draw = vi.fn(() => {
    if (--steps > 0) loop.request()
    return steps === 0
  })
  const loop = new DrawLoop(draw)
  await loop.drawn()
  await vi.advanceTimersByTimeAsync(5_000)
  steps = 3
  loop.request()
  await vi.advanceTimersByTimeAsync(900)
  expect(draw).toHaveBeenCalledTimes(1 + 1)
  await vi.advanceTimersByTimeAsync(1_200)
  expect(draw).toHaveBeenCalledTimes(1 + 3)
})

test('what was cancelled is not drawn', async () => {
  const draw = vi.fn(() => true)
  const loop = new DrawLoop(draw)
  loop.request()
  loop.cancel()
  await Promise.resolve()
  nextFrame()
  expect(draw).toHaveBeenCalledTimes(0)
})
