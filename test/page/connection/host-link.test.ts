// @vitest-environment node
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectHost, type HostHandlers } from '../../../page/connection/host-link.ts'
import type { FromPage, ToPage } from '../../../protocol/page-link.ts'

const VIEWER = '0123456789abcdef'
const START: ToPage = {
  kind: 'start',
  transport: 'tunnel',
  pageKey: 'k'.repeat(43),
  theme: 'dark',
  partBytes: 1 << 20,
  user: null,
}

/** A window with a parent, as far as the link looks: what is posted up, and a way to post down. */
function frame() {
  const target = new EventTarget()
  const posted: unknown[] = []
  const parent = { postMessage: (message: unknown) => posted.push(message) }
  const page = Object.assign(target, { parent }) as unknown as Window // only these members are looked at
  const say = (data: unknown, from: unknown = parent, ports: MessagePort[] = []) => {
    target.dispatchEvent(Object.assign(new Event('message'), { data, source: from, ports }))
  }
  return { page, posted, say }
}

async function openLink(handlers: Partial<HostHandlers> = {}) {
  const { page, say, posted } = frame()
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  const heard: FromPage[] = []
  port1.onmessage = (event: MessageEvent<FromPage>) => heard.push(event.data)
  const ready = { viewerId: VIEWER }
  const link = connectHost(page, ready, { theme: () => undefined, stalled: () => undefined, ...handlers })
  say({ kind: 'connect', viewerId: VIEWER }, page.parent, [port2])
  port1.postMessage(START)
  const opened = await link
  if (opened === null) throw new Error('no link')
  return { link: opened, widget: port1, heard, posted }
}

describe('the link to the widget', () => {
  test('is none in a tab', async () => {
    const page = { addEventListener: () => undefined } as unknown as Window // a window that is its own parent
    Object.assign(page, { parent: page })
    expect(
      await connectHost(page, { viewerId: VIEWER }, { theme: () => undefined, stalled: () => undefined }),
    ).toBeNull()
  })

  test('greets once, and takes the key from the port', async () => {
    const { link, posted } = await openLink()
    expect(posted).toEqual([{ kind: 'pageReady', viewerId: VIEWER }])
    expect(link.start).toEqual(START)
    expect(link.viewerId).toBe(VIEWER)
    expect(await link.pageKey).toBe('k'.repeat(43))
  })

  test('is never opened by a window that is not the parent, nor twice', async () => {
    const { page, say } = frame()
    const forged = new MessageChannel()
    const real = new MessageChannel()
    onTestFinished(() => {
      for (const { port1 } of [forged, real]) port1.close()
    })
    const link = connectHost(page, { viewerId: VIEWER }, { theme: () => undefined, stalled: () => undefined })
    for (let i = 0; i < 1_000; i++) say({ kind: 'connect', viewerId: VIEWER }, {}, [forged.port2])
    say({ kind: 'connect' }, page.parent, [forged.port2])
    say({ kind: 'connect', viewerId: VIEWER }, page.parent)
    say({ kind: 'connect', viewerId: VIEWER }, page.parent, [real.port2])
    say({ kind: 'connect', viewerId: 'f'.repeat(16) }, page.parent, [forged.port2])
    forged.port1.postMessage(START)
    real.port1.postMessage({ ...START, theme: 'light' })
    expect((await link)?.start.theme).toBe('light')
  })

  test('carries a request and its answer, header names in lower case', async () => {
    const { link, widget, heard } = await openLink()
    const call = { method: 'GET', path: '_cellucid/identity', headers: { range: 'bytes=0-9' } } as const
    const answer = link.ask({ ...call, signal: new AbortController().signal })
    await expect.poll(() => heard).toEqual([{ kind: 'fetch', id: 1, ...call, body: null }])
    const body = Uint8Array.of(1, 2)
    widget.postMessage({ kind: 'response', id: 1, status: 206, headers: { 'Content-Range': 'x' }, body })
    expect(await answer).toEqual({ status: 206, headers: new Map([['content-range', 'x']]), body })
  })

  test('tells the widget when a request is not wanted any more, and why one failed', async () => {
    const { link, widget, heard } = await openLink()
    const stop = new AbortController()
    const call = { method: 'GET', path: 'x', headers: {} } as const
    const aborted = link.ask({ ...call, signal: stop.signal })
    stop.abort(new Error('overtaken'))
    await expect(aborted).rejects.toThrow('overtaken')
    await expect.poll(() => heard.at(-1)).toEqual({ kind: 'abort', id: 1 })
    const failed = link.ask({ ...call, signal: new AbortController().signal })
    widget.postMessage({ kind: 'fetchFailed', id: 2, reason: 'The kernel is gone.' })
    await expect(failed).rejects.toThrow('The kernel is gone.')
  })

  test('counts what it does not know and goes on', async () => {
    const themes: string[] = []
    const { link, widget } = await openLink({ theme: (theme) => themes.push(theme) })
    widget.postMessage({ kind: 'fromTheFuture' })
    widget.postMessage('x')
    widget.postMessage({ kind: 'theme', theme: 'light' })
    await expect.poll(() => themes).toEqual(['light'])
    expect(link.dropped).toBe(2)
  })
})
