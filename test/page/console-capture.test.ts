import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { captureConsole } from '../../page/console-capture.ts'
import type { ConsoleLine } from '../../protocol/events.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function openCapture() {
  const shown: unknown[][] = []
  const page = Object.assign(new EventTarget(), {
    document: new EventTarget(),
    console: {
      warn: (...values: unknown[]) => shown.push(values),
      error: (...values: unknown[]) => shown.push(values),
    },
  }) as unknown as Window & typeof globalThis // only these members are looked at
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const capture = captureConsole(page, life.signal)
  const told: ConsoleLine[] = []
  const tell = () => capture.tell((lines) => told.push(...lines))
  return { page, shown, told, tell, life }
}

test('lines that came before there is anyone to tell are told then, and shown all the while', () => {
  const { page, shown, told, tell } = openCapture()
  page.console.warn('early', 1)
  page.console.error(new TypeError('no'))
  vi.advanceTimersByTime(1_000)
  expect(told).toEqual([])
  tell()
  expect(told.map(({ level, message }) => [level, message])).toEqual([
    ['warning', 'early 1'],
    ['error', 'TypeError: no'],
  ])
  expect(shown).toHaveLength(2)
})

test('a storm is merged, limited, and its rest counted', () => {
  const { page, told, tell } = openCapture()
  tell()
  for (let i = 0; i < 1_000; i++) page.console.error('again')
  for (let i = 0; i < 1_000; i++) page.console.error(`other ${i}`)
  vi.advanceTimersByTime(1_000)
  expect(told[0]).toMatchObject({ message: 'again', count: 1_000 })
  expect(told).toHaveLength(21)
  expect(told.at(-1)?.message).toBe('981 more lines were left out.')
})

test('no secret leaves, whatever it stands in', () => {
  const { page, told, tell } = openCapture()
  tell()
  page.console.error(`GET /?viewerToken=${'ab'.repeat(32)} with ${'Ab-_'.repeat(11).slice(0, 43)}`)
  const failed = { message: 'x', filename: `http://a/b?viewerToken=${'cd'.repeat(32)}#x`, lineno: 1, colno: 2 }
  page.dispatchEvent(Object.assign(new Event('error'), failed))
  vi.advanceTimersByTime(1_000)
  expect(told.map(({ message, filename }) => [message, filename])).toEqual([
    ['GET /?viewerToken=[removed] with [removed]', undefined],
    ['x', 'http://a/b'],
  ])
})

test('no half of a secret leaves where a long line is cut', () => {
  const { page, told, tell } = openCapture()
  tell()
  page.console.warn(`${' '.repeat(2_000)}${'ab'.repeat(32)}`)
  vi.advanceTimersByTime(1_000)
  expect(told[0]?.message.trim()).toBe('[removed]')
})

test('what cannot be said in words is told by its type, and the caller goes on', () => {
  const { page, shown, told, tell } = openCapture()
  tell()
  const silent = {
    toString() {
      throw new Error('no words')
    },
  }
  page.console.error(Object.create(null), silent, Symbol('s'))
  vi.advanceTimersByTime(1_000)
  expect(told[0]?.message).toBe('[object] [object] Symbol(s)')
  expect(shown).toHaveLength(1)
})

test('a page that ends gives the console back', () => {
  const { page, told, tell, life } = openCapture()
  tell()
  life.abort()
  page.console.warn('later')
  vi.advanceTimersByTime(1_000)
  expect(told).toEqual([])
})
