import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { TUNNEL_LIMITS, type WidgetMessage } from '../../../protocol/comm.ts'
import type { ToPage } from '../../../protocol/page-link.ts'
import { servePage } from '../../../widget/frame/page-fetches.ts'
import { KernelLink } from '../../../widget/kernel/kernel-link.ts'
import { Tunnel, type TunnelRequest } from '../../../widget/kernel/tunnel.ts'

const VIEW = '00112233445566aa'
type Fetch = Extract<WidgetMessage, { kind: 'fetch' }>
type Answer = { status?: number; headers?: Record<string, string>; body?: Uint8Array; view?: string }

/** A tunnel whose kernel end is the test. */
function stage(partBytes: number = TUNNEL_LIMITS.partBytes) {
  const sent: { message: Fetch; body: Uint8Array | null }[] = []
  const alive: string[] = []
  const callbacks = new Map<string, (...args: unknown[]) => void>()
  const model = {
    get: () => undefined,
    on: (event: string, callback: (...args: never[]) => void) => callbacks.set(event, callback as never),
    off: () => undefined,
    send: (message: WidgetMessage, _callbacks: unknown, buffers: ArrayBuffer[] = []) => {
      if (message.kind === 'alive') alive.push(message.view)
      if (message.kind === 'fetch') {
        sent.push({ message, body: buffers[0] === undefined ? null : new Uint8Array(buffers[0]) })
        onFetch(message)
      }
    },
  }
  let onFetch: (message: Fetch) => void = () => undefined
  const link = new KernelLink(model as never, new AbortController().signal)
  const stalls: boolean[] = []
  const tunnel = new Tunnel(link, {
    view: VIEW,
    partBytes: () => partBytes,
    tellStalled: (isStalled) => stalls.push(isStalled),
  })
  onTestFinished(() => tunnel.close())
  const answer = (id: number, { status = 200, headers = {}, body = new Uint8Array(), view = VIEW }: Answer = {}) =>
    callbacks.get('msg:custom')?.({ kind: 'response', view, id, status, headers, bytes: body.byteLength }, [
      new DataView(body.slice().buffer),
    ])
  return {
    tunnel,
    link,
    sent,
    stalls,
    alive,
    answer,
    /** An empty answer. */
    answerAsText: (id: number): void =>
      callbacks.get('msg:custom')?.(
        { kind: 'response', view: VIEW, id, status: 200, headers: {}, bytes: 0, text: '' },
        [],
      ),
    lose: (id: number, view = VIEW): void => callbacks.get('msg:custom')?.({ kind: 'bodyLost', view, id }, []),
    die: (): void => callbacks.get('comm:close')?.(),
    /** Answer every request as it comes, after the sender has gone on. */
    serve: (make: (message: Fetch) => Answer) => {
      onFetch = (message) => queueMicrotask(() => answer(message.id, make(message)))
    },
    ids: () => sent.map(({ message }) => message.id),
  }
}

const get = (path: string, headers: Record<string, string> = {}): TunnelRequest => ({
  method: 'GET',
  path,
  headers,
  body: null,
})
const never = new AbortController().signal

/** A file as the server gives it: whole below a limit, else by Range. */
function ranged(file: Uint8Array, { wholeBelow = 0, etag = '"1"' } = {}) {
  return ({ headers }: Fetch): Answer => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(headers.Range ?? '')
    if (match === null || file.byteLength <= wholeBelow || file.byteLength === 0)
      return { body: file, headers: { ETag: etag } }
    const [start, end] = [Number(match[1]), Math.min(Number(match[2]) + 1, file.byteLength)]
    const range = { 'Content-Range': `bytes ${start}-${end - 1}/${file.byteLength}`, ETag: etag }
    return { status: 206, headers: range, body: file.slice(start, end) }
  }
}

const file = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 7) % 251)

describe('one request', () => {
  test('carries method, path, headers and body, and the id of its view', async () => {
    const { tunnel, sent, serve } = stage()
    serve(() => ({ status: 201, headers: { 'Content-Type': 'text/x' }, body: new Uint8Array([5]) }))
    const body = new Uint8Array([1, 2])
    const headers = { 'X-Cellucid-Key': 'k' }
    const answer = await tunnel.fetch({ method: 'POST', path: '_cellucid/events?sequence=1', headers, body }, never)
    expect(answer).toEqual({ status: 201, headers: { 'content-type': 'text/x' }, body: new Uint8Array([5]) })
    expect(sent).toEqual([
      {
        message: {
          kind: 'fetch',
          view: VIEW,
          id: 1,
          method: 'POST',
          path: '_cellucid/events?sequence=1',
          headers,
          asText: false,
          bytes: 2,
        },
        body,
      },
    ])
  })

  test('whose body was lost on the way is asked again at once, as text', async () => {
    const { tunnel, sent, lose, answer } = stage()
    const asked = tunnel.fetch({ method: 'POST', path: 'x', headers: {}, body: new Uint8Array([1, 2]) }, never)
    await Promise.resolve()
    lose(1, 'ffffffffffffffff')
    expect(sent).toHaveLength(1)
    lose(1)
    expect(sent[1]).toEqual({ message: expect.objectContaining({ id: 1, asText: true, text: 'AQI=' }), body: null })
    answer(1)
    expect((await asked).status).toBe(200)
  })

  test('whose message was lost with its buffer is asked again as text, and those after it are text at once', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { tunnel, sent, answerAsText } = stage()
    const post = { method: 'POST', path: 'x', headers: {}, body: new Uint8Array([1, 2]) } as const
    const asked = tunnel.fetch(post, never)
    await vi.advanceTimersByTimeAsync(TUNNEL_LIMITS.resendAfterMs[0])
    const text = { message: expect.objectContaining({ id: 1, asText: true, text: 'AQI=' }), body: null }
    expect(sent).toEqual([{ message: expect.objectContaining({ id: 1, asText: false }), body: post.body }, text])
    answerAsText(1)
    expect((await asked).status).toBe(200)
    tunnel.fetch(post, never).catch(() => undefined)
    await Promise.resolve()
    expect(sent[2]).toEqual({ ...text, message: { ...sent[1]?.message, id: 2 } })
  })

  test('whose text would be too long for the notebook is asked again as it was', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { tunnel, sent } = stage()
    const body = new Uint8Array(TUNNEL_LIMITS.textPartBytes + 1)
    tunnel.fetch({ method: 'POST', path: 'x', headers: {}, body }, never).catch(() => undefined)
    await vi.advanceTimersByTimeAsync(TUNNEL_LIMITS.resendAfterMs[0])
    expect(sent.map(({ message: { asText } }) => asText)).toEqual([false, false])
  })

  test('is not answered by an answer to another view with the same id', async () => {
    const { tunnel, answer } = stage()
    const asked = tunnel.fetch(get('a'), never)
    await Promise.resolve()
    answer(1, { view: 'ffffffffffffffff', status: 500 })
    answer(1, { status: 200 })
    expect((await asked).status).toBe(200)
  })

  test('takes the first answer; a second, and one nobody waits for, change nothing', async () => {
    const { tunnel, answer } = stage()
    const asked = tunnel.fetch(get('a'), never)
    await Promise.resolve()
    answer(1, { status: 200 })
    answer(1, { status: 500 })
    answer(77)
    expect((await asked).status).toBe(200)
  })

  test('of a later tunnel of the view has an id of its own: to a known one the kernel repeats its answer', async () => {
    const { tunnel, link, serve, ids } = stage()
    serve(() => ({}))
    await tunnel.fetch(get('first'), never)
    tunnel.close()
    const later = new Tunnel(link, {
      view: VIEW,
      partBytes: () => TUNNEL_LIMITS.partBytes,
      tellStalled: () => undefined,
    })
    onTestFinished(() => later.close())
    await later.fetch(get('second'), never)
    expect(new Set(ids()).size).toBe(2)
  })

  test('larger than a message may be is refused with a sentence', async () => {
    const { tunnel, sent } = stage(4)
    const request = { method: 'PUT', path: 's', headers: {}, body: new Uint8Array(5) } as const
    await expect(tunnel.fetch(request, never)).rejects.toThrow('5 bytes')
    expect(sent).toEqual([])
  })

  test('ends with the kernel, and later ones do not start', async () => {
    const { tunnel, die } = stage()
    const asked = tunnel.fetch(get('a'), never)
    await Promise.resolve()
    die()
    await expect(asked).rejects.toThrow('run the cell again')
    await expect(tunnel.fetch(get('b'), never)).rejects.toThrow('run the cell again')
  })
})

describe('a large answer', () => {
  test.each([0, 1, 9, 10, 11, 19, 20, 21, 95])('of %i bytes arrives whole through parts of 10', async (length) => {
    const { tunnel, sent, serve } = stage(10)
    serve(ranged(file(length)))
    const { status, headers, body } = await tunnel.fetch(get('_cellucid/embedding?dimensions=2'), never)
    expect(status).toBe(200)
    expect(body).toEqual(file(length))
    expect(headers).toEqual({ etag: '"1"' })
    expect(sent).toHaveLength(Math.max(1, Math.ceil(length / 10)))
    expect(sent.slice(1).every(({ message }) => message.headers['If-Range'] === '"1"')).toBe(true)
  })

  test('that the server gives whole is passed on as it is', async () => {
    const { tunnel, sent, serve } = stage(10)
    serve(ranged(file(12), { wholeBelow: 100 }))
    expect((await tunnel.fetch(get('x'), never)).body).toEqual(file(12))
    expect(sent).toHaveLength(1)
  })

  test('that changes between two parts is an error, never a mixture', async () => {
    const { tunnel, serve } = stage(10)
    const old = ranged(file(30))
    serve((message) => (message.id === 1 ? old(message) : { status: 200, body: file(40) }))
    await expect(tunnel.fetch(get('x'), never)).rejects.toThrow('changed')
  })

  test('whose part is short is an error', async () => {
    const { tunnel, serve } = stage(10)
    const whole = ranged(file(30))
    serve((message) => {
      const part = whole(message)
      return message.id === 2 ? { ...part, body: (part.body ?? new Uint8Array()).slice(0, 3) } : part
    })
    await expect(tunnel.fetch(get('x'), never)).rejects.toThrow('changed')
  })

  test('is not split where the page asked for a range itself', async () => {
    const { tunnel, sent, serve } = stage(10)
    serve(ranged(file(30)))
    const answer = await tunnel.fetch(get('x', { range: 'bytes=5-9' }), never)
    expect(sent[0]?.message.headers).toEqual({ range: 'bytes=5-9' })
    expect(answer.status).toBe(200)
  })

  test('with a length that cannot be is not allocated', async () => {
    const { tunnel, serve } = stage(10)
    serve(() => ({ status: 206, headers: { 'Content-Range': 'bytes 0-9/99999999999999' }, body: file(10) }))
    expect((await tunnel.fetch(get('x'), never)).status).toBe(206)
  })
})

describe('with time', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('an unanswered request is asked again after 0.5, 1, 2, then every 5 seconds, under the same id', async () => {
    const { tunnel, ids, answer } = stage()
    const asked = tunnel.fetch(get('a'), never)
    await vi.advanceTimersByTimeAsync(0)
    const counts: number[] = []
    for (const ms of [499, 1, 1_000, 2_000, 5_000, 5_000]) {
      await vi.advanceTimersByTimeAsync(ms)
      counts.push(ids().length)
    }
    expect(counts).toEqual([1, 2, 3, 4, 5, 6])
    expect(new Set(ids())).toEqual(new Set([1]))
    answer(1)
    await asked
    await vi.advanceTimersByTimeAsync(60_000)
    expect(ids()).toHaveLength(6)
  })

  test('is not asked again while answers to what was asked before it keep coming', async () => {
    const { tunnel, ids, answer } = stage()
    const all = ['a', 'b', 'c', 'd'].map((path) => tunnel.fetch(get(path), never))
    for (const id of [1, 2, 3, 4]) {
      await vi.advanceTimersByTimeAsync(400)
      answer(id)
    }
    await Promise.all(all)
    expect(ids()).toEqual([1, 2, 3, 4])
  })

  test('is asked again although answers to what was asked after it keep coming', async () => {
    const { tunnel, ids, answer } = stage()
    tunnel.fetch(get('lost'), never).catch(() => undefined)
    for (let id = 2; id <= 9; id++) {
      await vi.advanceTimersByTimeAsync(100)
      const other = tunnel.fetch(get(`${id}`), never)
      await vi.advanceTimersByTimeAsync(0)
      answer(id)
      await other
    }
    expect(ids().filter((id) => id === 1)).toHaveLength(2)
  })

  test('over a slow connection, is not asked again before an answer can have come', async () => {
    const { tunnel, ids, answer } = stage()
    const slow = tunnel.fetch(get('first'), never)
    await vi.advanceTimersByTimeAsync(1_200)
    answer(1)
    await slow
    tunnel.fetch(get('second'), never).catch(() => undefined)
    await vi.advanceTimersByTimeAsync(2_300)
    expect(ids().filter((id) => id === 2)).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(ids().filter((id) => id === 2)).toHaveLength(2)
  })

  test('at most 8 are in flight, the others follow in order', async () => {
    const { tunnel, ids, answer } = stage()
    const all = Array.from({ length: 12 }, (_, index) => tunnel.fetch(get(`${index}`), never))
    await vi.advanceTimersByTimeAsync(0)
    expect(ids()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    answer(3)
    await vi.advanceTimersByTimeAsync(0)
    expect(ids()).toHaveLength(9)
    for (let id = 1; id <= 12; id++) {
      answer(id)
      await vi.advanceTimersByTimeAsync(0)
    }
    await Promise.all(all)
  })

  test('an aborted request is not asked again and frees its place', async () => {
    const { tunnel, ids, answer } = stage()
    const stop = new AbortController()
    const aborted = Array.from({ length: 8 }, () => tunnel.fetch(get('a'), stop.signal).catch((error) => error.name))
    const waiting = tunnel.fetch(get('b'), never)
    await vi.advanceTimersByTimeAsync(0)
    stop.abort()
    await vi.advanceTimersByTimeAsync(0)
    expect(await Promise.all(aborted)).toEqual(Array(8).fill('AbortError'))
    expect(ids()).toHaveLength(9)
    answer(1)
    answer(9)
    expect((await waiting).status).toBe(200)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(ids()).toHaveLength(9)
  })

  test('silence of two seconds is a stall, the next answer ends it', async () => {
    const { tunnel, stalls, answer } = stage()
    void tunnel.fetch(get('a'), never)
    await vi.advanceTimersByTimeAsync(1_999)
    expect(stalls).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(stalls).toEqual([true])
    answer(1)
    expect(stalls).toEqual([true, false])
  })

  test('a poll is silent without being stalled', async () => {
    const { tunnel, stalls } = stage()
    void tunnel.fetch(get('_cellucid/commands?after=0'), never).catch(() => undefined)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(stalls).toEqual([])
  })

  test('the kernel hears that the view is there at least every 20 seconds, until the tunnel closes', async () => {
    const { tunnel, alive } = stage()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(alive).toEqual([VIEW, VIEW, VIEW])
    tunnel.close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(alive).toHaveLength(3)
  })
})

describe('the requests of a page', () => {
  test('are answered with bytes of their own, or with a sentence', async () => {
    const { tunnel, serve } = stage()
    serve(({ path }) => ({ body: new TextEncoder().encode(path) }))
    const answers: ToPage[] = []
    const carry = servePage(tunnel, (message) => answers.push(message))
    const fetch = { kind: 'fetch', method: 'GET', headers: {}, body: null } as const
    carry({ ...fetch, id: 41, path: 'a' })
    carry({ ...fetch, id: 42, path: 'b', method: 'PUT', body: new Uint8Array(TUNNEL_LIMITS.partBytes + 1) })
    await expect.poll(() => answers.length).toBe(2)
    expect(answers).toContainEqual({
      kind: 'response',
      id: 41,
      status: 200,
      headers: {},
      body: new TextEncoder().encode('a'),
    })
    expect(answers).toContainEqual({ kind: 'fetchFailed', id: 42, reason: expect.stringContaining('bytes') })
  })

  test('that the page gave up are not answered', async () => {
    const { tunnel, answer } = stage()
    const answers: ToPage[] = []
    const carry = servePage(tunnel, (message) => answers.push(message))
    carry({ kind: 'fetch', id: 7, method: 'GET', path: 'a', headers: {}, body: null })
    await Promise.resolve()
    carry({ kind: 'abort', id: 7 })
    carry({ kind: 'abort', id: 8 })
    answer(1)
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(answers).toEqual([])
  })
})
