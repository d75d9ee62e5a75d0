import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { WidgetMessage } from '../../../protocol/comm.ts'
import type { ConsoleLine } from '../../../protocol/events.ts'
import { ConsoleForwarder } from '../../../widget/kernel/console-forwarder.ts'
import { KernelLink } from '../../../widget/kernel/kernel-link.ts'

const VIEW = '00112233445566aa'
const TOKEN = 'ab'.repeat(32)
const PAGE_KEY = `${'aB3_-'.repeat(8)}xyz`

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function stage() {
  const sent: Extract<WidgetMessage, { kind: 'console' }>[] = []
  const send = (message: WidgetMessage) => {
    if (message.kind === 'console') sent.push(message)
  }
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const link = new KernelLink(
    { get: () => undefined, on: () => undefined, off: () => undefined, send } as never,
    life.signal,
  )
  return { sent, life, forwarder: new ConsoleForwarder(link, { view: VIEW, signal: life.signal }) }
}

const line = (message: string, overrides: Partial<ConsoleLine> = {}): ConsoleLine => ({
  level: 'error',
  message,
  ts: 1,
  count: 1,
  from: 'page',
  ...overrides,
})

function violate(blockedURI: string): void {
  const event = Object.assign(new Event('securitypolicyviolation'), { blockedURI, effectiveDirective: 'frame-src' })
  document.dispatchEvent(event)
}

test('lines are gathered into one message of the view', async () => {
  const { sent, forwarder } = stage()
  forwarder.add([line('a')])
  forwarder.log('warning', 'b')
  expect(sent).toEqual([])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sent).toHaveLength(1)
  expect(sent[0]).toMatchObject({
    view: VIEW,
    lines: [
      { message: 'a', level: 'error', from: 'page', count: 1 },
      { message: 'b', level: 'warning', from: 'widget', count: 1 },
    ],
  })
})

test('equal lines are one line with a count', async () => {
  const { sent, forwarder } = stage()
  for (let count = 0; count < 100; count++) forwarder.add([line('same', { ts: count, count: 2 })])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sent[0]?.lines).toMatchObject([{ message: 'same', count: 200, ts: 0 }])
})

test('a flood of different lines is cut, and the cut is counted', async () => {
  const { sent, forwarder } = stage()
  for (let count = 0; count < 10_000; count++) forwarder.add([line(`line ${count}`)])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sent).toHaveLength(1)
  expect(sent[0]?.lines).toHaveLength(21)
  expect(sent[0]?.lines.at(-1)?.message).toBe('9980 more lines were not forwarded')
})

test('nothing is sent after the view ended', async () => {
  const { sent, forwarder, life } = stage()
  forwarder.add([line('a')])
  life.abort()
  forwarder.add([line('b')])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(sent).toEqual([])
})

test('a policy violation is told where it is about a base of ours, and nobody else’s is', async () => {
  const { sent, forwarder } = stage()
  forwarder.watch('http://127.0.0.1:8765/')
  violate('http://127.0.0.1:8765/?jupyter=true&viewerId=x')
  violate('http://127.0.0.1:8765')
  violate('https://ads.example.org/frame')
  violate('inline')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sent[0]?.lines.map(({ message }) => message)).toEqual([
    "The notebook's content policy (frame-src) blocks http://127.0.0.1:8765/?jupyter=true&viewerId=x",
    "The notebook's content policy (frame-src) blocks http://127.0.0.1:8765",
  ])
})

test('the console of the notebook page is not touched', () => {
  const before = { ...console }
  stage()
  expect({ ...console }).toEqual(before)
})

describe('secrets are removed', () => {
  test('whoever wrote them there', async () => {
    const { sent, forwarder } = stage()
    forwarder.add([line(`X-Cellucid-Key: ${PAGE_KEY} at https://hub/lab?token=abc#x`)])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sent[0]?.lines[0]?.message).toBe('X-Cellucid-Key: [removed] at https://hub/lab?token=[removed]#x')
  })

  test('from the file name too', async () => {
    const { sent, forwarder } = stage()
    forwarder.add([line('a', { filename: `http://x/?viewerToken=${TOKEN}` })])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sent[0]?.lines[0]?.filename).toBe('http://x/?viewerToken=[removed]')
  })

  test('and a message is bounded', async () => {
    const { sent, forwarder } = stage()
    forwarder.add([line('x '.repeat(10_000))])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sent[0]?.lines[0]?.message.length).toBe(2_000)
  })
})
