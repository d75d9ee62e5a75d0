import type { RequestListener } from 'node:http'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { TUNNEL_LIMITS, type WidgetMessage } from '../../protocol/comm.ts'
import { frameToken } from '../../protocol/handshake.ts'
import { type Nonce, parseNonce } from '../../protocol/probe.ts'
import { frameUrl } from '../../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import type { Identity } from '../../widget/search/probe.ts'
import { reaches, startWidgetHost, visit, type WidgetHost, welcome } from '../stage/widget-host.ts'
import { deadPort, type FakeServer, fakeServer, html, IDENTITY, json, ourServer, proofOf } from './fake-servers.ts'

const KEY = 'k'.repeat(43)
const PAGE_HTML = '<!doctype html><title>Cellucid</title>'

beforeEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  visit('http://localhost:3000/')
})

/** The widget stands on a page of this notebook server, whose base URL is `/`. */
function visitNotebook(notebook: FakeServer, baseUrl = '/'): void {
  visit(`${notebook.base}lab`)
  const config = document.createElement('script')
  config.id = 'jupyter-config-data'
  config.type = 'application/json'
  config.textContent = JSON.stringify({ baseUrl, token: 'the-notebook-login' })
  document.head.append(config)
  onTestFinished(() => config.remove())
}

/** A notebook server that has a proxy for one port, and answers everything else with 404. */
const notebookWith =
  (port: () => number, viewer: RequestListener): RequestListener =>
  (request, response) => {
    const prefix = `/proxy/${port()}`
    if (request.url?.startsWith(`${prefix}/`) !== true) return html(response, 404)
    request.url = request.url.slice(prefix.length)
    viewer(request, response)
  }

/** The kernel's end of the tunnel: the page and a key, as the server would give them. */
function serveTunnel({ kernel }: WidgetHost): void {
  kernel.onSent((message) => {
    if (message.kind !== 'fetch') return
    const { view, id, path } = message
    const isPage = path === ''
    const headers = { 'content-type': isPage ? 'text/html' : 'application/json' }
    const body = new TextEncoder().encode(isPage ? PAGE_HTML : JSON.stringify({ pageKey: KEY }))
    void kernel.push({ kind: 'response', view, id, status: 200, headers, bytes: body.byteLength }, body)
  })
}

const resolvedAs = (transport: string | null) => (message: WidgetMessage) =>
  message.kind === 'resolved' && message.transport === transport

/** All that the cell's document shows or keeps. */
function documentText(root: HTMLElement): string {
  return document.documentElement.outerHTML + root.outerHTML + (root.shadowRoot?.innerHTML ?? '')
}

describe('to the first picture', () => {
  test('direct: proven, framed with the token in the fragment, ready when the page has drawn', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port, height: 480 }))
    const page = await view.page()
    const nonce = parseNonce(page.url?.slice(-22))
    if (nonce === null) throw new Error(`no nonce in ${page.url}`)
    expect(page.url).toBe(
      frameUrl(server.base, IDENTITY.viewerId, { token: frameToken(IDENTITY.token, { ...IDENTITY, nonce }), nonce }),
    )
    expect(page.url).not.toContain(IDENTITY.token)
    expect(view.root.dataset.cellucidStatus).toBe('loading')
    page.greet()
    expect(await page.heard('start')).toEqual({
      kind: 'start',
      transport: 'direct',
      pageKey: null,
      theme: 'light',
      partBytes: TUNNEL_LIMITS.partBytes,
      user: null,
    })
    expect(page.connects).toEqual([
      { message: { kind: 'connect', viewerId: IDENTITY.viewerId }, targetOrigin: new URL(server.base).origin },
    ])
    const about = 1_000 // the clock of the page and that of the system drift apart
    const before = Date.now()
    page.send({ kind: 'drawn', cells: 700 })
    await reaches(view.root, 'ready')
    const { cellucidCells, cellucidTransport, cellucidReadyAt } = view.root.dataset
    expect([cellucidCells, cellucidTransport]).toEqual(['700', 'direct'])
    expect(Number(cellucidReadyAt)).toBeGreaterThan(before - about)
    expect(Number(cellucidReadyAt)).toBeLessThan(Date.now() + about)
    expect(view.root.style.getPropertyValue('--cellucid-height')).toBe('480px')
    expect(await host.kernel.heard('resolved')).toMatchObject({
      transport: 'direct',
      base: server.base,
      candidates: [{ kind: 'direct', base: server.base, verdict: 'proven' }],
    })
  })

  test('the proxy of the notebook before the direct port, although that answers first', async () => {
    const answered = Promise.withResolvers<void>()
    const server = await fakeServer((request, response) => {
      response.once('finish', answered.resolve)
      ourServer()(request, response)
    })
    const slow: RequestListener = (request, response) =>
      void answered.promise.then(() => ourServer()(request, response))
    visitNotebook(await fakeServer(notebookWith(() => server.port, slow)))
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    expect(page.url).toContain(`/proxy/${server.port}/?jupyter=true`)
    page.greet()
    const { candidates } = await host.kernel.heard('resolved', resolvedAs('same-origin-proxy'))
    expect(candidates.map(({ kind, verdict }) => [kind, verdict])).toEqual([
      ['same-origin-proxy', 'proven'],
      ['direct', 'proven'],
    ])
  })

  test('the direct port at once when the notebook has no proxy', async () => {
    const server = await fakeServer(ourServer())
    visitNotebook(await fakeServer((_request, response) => html(response, 404)))
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const { url, iframe } = await view.page()
    expect(url).toContain(server.base)
    // Without a name it would be allowed for the frame's own `src`, which there is none of.
    const { origin } = new URL(server.base)
    const ofTheComputer = ['loopback-network', 'local-network', 'local-network-access']
    const all = ['fullscreen', 'clipboard-write', ...ofTheComputer]
    expect(iframe.allow).toBe(all.map((what) => `${what} ${origin}`).join('; '))
  })

  test('a proxy that hangs costs its own time, then the proven one is taken', async () => {
    const server = await fakeServer(ourServer())
    visitNotebook(await fakeServer(() => undefined))
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    expect(page.url).toContain(server.base)
    page.greet()
    const { candidates } = await host.kernel.heard('resolved')
    expect(candidates[0]).toMatchObject({ kind: 'same-origin-proxy', verdict: 'timeout' })
  })
})

describe('the tunnel', () => {
  test('is taken when nothing is proven: page by srcdoc, key by the port, no token in the frame', async () => {
    const host = await startWidgetHost()
    serveTunnel(host)
    const view = await host.render()
    await host.kernel.push(welcome({ port: await deadPort() }))
    const page = await view.page()
    expect(page.url).toBeNull()
    expect(page.iframe.getAttribute('srcdoc')).toBe(PAGE_HTML)
    expect(page.iframe.getAttribute('sandbox')).toBe('allow-scripts allow-downloads')
    expect(page.iframe.allow).toBe('fullscreen *; clipboard-write *')
    page.greet({ viewerId: '' })
    expect(await page.heard('start')).toMatchObject({ transport: 'tunnel', pageKey: KEY })
    page.send({ kind: 'fetch', id: 5, method: 'GET', path: 'x', headers: {}, body: null })
    expect(await page.heard('response')).toMatchObject({ id: 5, status: 200 })
    page.send({ kind: 'drawn', cells: 3 })
    await reaches(view.root, 'ready')
    expect(view.root.dataset.cellucidTransport).toBe('tunnel')
    const { candidates } = await host.kernel.heard('resolved')
    expect(candidates.map(({ kind, verdict }) => `${kind} ${verdict}`)).toEqual(['direct network', 'tunnel proven'])
    expect(documentText(view.root)).not.toContain(KEY)
  })

  test('two views of one model do not mix their requests', async () => {
    const host = await startWidgetHost()
    serveTunnel(host)
    const [first, second] = [await host.render(), await host.render()]
    await host.kernel.push(welcome({ port: await deadPort() }))
    for (const view of [first, second]) {
      const page = await view.page()
      page.greet()
      await page.heard('start')
    }
    const fetches = host.kernel.sent.flatMap(({ message }) => (message.kind === 'fetch' ? [message] : []))
    const views = [...new Set(fetches.map(({ view }) => view))]
    expect(views).toHaveLength(2)
    const idsOf = (view: string) => [
      ...new Set(fetches.flatMap((message) => (message.view === view ? [message.id] : []))),
    ]
    expect(views.map((view) => idsOf(view).length)).toEqual([2, 2])
    expect(new Set(views.flatMap(idsOf)).size).toBe(4)
  })

  test('says that it waits for the running cell, and goes on by itself', async () => {
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: await deadPort(), cellRuns: true }))
    const notice = () => view.shadow.querySelector<HTMLElement>('.notice')
    await expect.poll(() => notice()?.textContent).toContain('Waiting for the running cell')
    await host.kernel.push({ kind: 'cell', runs: false })
    await expect.poll(() => notice()?.textContent).toContain('Waiting for the kernel')
    await host.kernel.push({ kind: 'cell', runs: true })
    await expect.poll(() => notice()?.textContent).toContain('Waiting for the running cell')
    serveTunnel(host)
    const page = await view.page()
    page.greet()
    await page.heard('start')
    expect(notice()?.hidden).toBe(true)
  })

  test('does not speak of a running cell where none is known to run', async () => {
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: await deadPort(), cellRuns: true }))
    await host.kernel.push({ kind: 'cell', runs: false })
    const notice = () => view.shadow.querySelector<HTMLElement>('.notice')
    await expect.poll(() => notice()?.hidden).toBe(false)
    expect(notice()?.textContent).toBe('Waiting for the kernel, which has not answered for a while.')
  })

  test('a refusal of the kernel becomes the card, with its sentence', async () => {
    const host = await startWidgetHost()
    host.kernel.onSent((message) => {
      if (message.kind !== 'fetch') return
      const body = new TextEncoder().encode(JSON.stringify({ code: 'bad_token', message: 'Run the cell again.' }))
      const { view, id } = message
      void host.kernel.push({ kind: 'response', view, id, status: 401, headers: {}, bytes: body.byteLength }, body)
    })
    const view = await host.render()
    await host.kernel.push(welcome({ port: await deadPort() }))
    await reaches(view.root, 'card')
    expect(view.shadow.querySelector('.card')?.textContent).toContain('Run the cell again.')
    expect(await host.kernel.heard('resolved')).toMatchObject({ transport: null, base: null })
  })
})

describe('a comm that closes in the middle of a request', () => {
  test('before the first picture: the cell says that the kernel is gone and what to do, and asks nobody any more', async () => {
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: await deadPort() }))
    await host.kernel.heard('fetch')
    await host.kernel.restart()
    await reaches(view.root, 'card')
    const card = view.shadow.querySelector('.card')
    expect(card?.querySelector('h3')?.textContent).toBe('The kernel is gone, and its viewer with it')
    expect(card?.textContent).toContain('The connection to the kernel is gone: run the cell again')
    const asked = host.kernel.sent.length
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(host.kernel.sent).toHaveLength(asked)
  })

  test('under a picture: the page hears why, the picture stays, and the next word of the kernel brings it back', async () => {
    const host = await startWidgetHost()
    serveTunnel(host)
    const view = await host.render()
    const port = await deadPort()
    await host.kernel.push(welcome({ port }))
    const page = await view.page()
    page.greet()
    await page.heard('start')
    page.send({ kind: 'drawn', cells: 9 })
    await reaches(view.root, 'ready')

    host.kernel.onSent(() => undefined)
    page.send({ kind: 'fetch', id: 5, method: 'GET', path: 'x', headers: {}, body: null })
    await host.kernel.heard('fetch', ({ path }) => path === 'x')
    await host.kernel.restart()
    expect(await page.heard('fetchFailed')).toMatchObject({
      id: 5,
      reason: 'The connection to the kernel is gone: run the cell again',
    })
    await reaches(view.root, 'saved')
    expect(page.iframe.isConnected).toBe(true)
    expect(view.shadow.querySelector('.notice')?.textContent).toBe(
      'The kernel is gone. Run this cell to get the live view.',
    )

    serveTunnel(host)
    await host.kernel.push(welcome({ port, instanceId: '0000000000000001' }))
    const next = await view.page(1)
    next.greet()
    await next.heard('start')
    next.send({ kind: 'drawn', cells: 9 })
    await reaches(view.root, 'ready')
    expect(page.iframe.isConnected).toBe(false)
  })
})

describe('a forced address', () => {
  test('that proves itself is taken although the direct port works too', async () => {
    const [server, forced] = [await fakeServer(ourServer()), await fakeServer(ourServer())]
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port, override: `${forced.base}{port}` }))
    const page = await view.page()
    expect(page.url).toContain(`${forced.base}${server.port}/?`)
    expect(server.urls).toEqual([])
  })

  test('that does not is said on the card, and the notebook is a button, not a silent change', async () => {
    const host = await startWidgetHost()
    serveTunnel(host)
    const view = await host.render()
    const forced = await fakeServer((_request, response) => html(response))
    // The direct port would work: it is neither asked before nor taken for the notebook after the click.
    const direct = await fakeServer(ourServer())
    await host.kernel.push(welcome({ port: direct.port, override: forced.base }))
    await reaches(view.root, 'card')
    expect(view.shadow.querySelector('.card h3')?.textContent).toContain('does not lead to it')
    expect(view.shadow.querySelector('iframe')).toBeNull()
    const buttons = [...view.shadow.querySelectorAll('button')]
    buttons.find(({ textContent }) => textContent === 'Show through the notebook instead')?.click()
    const page = await view.page()
    page.greet()
    expect(await page.heard('start')).toMatchObject({ transport: 'tunnel' })
    expect(direct.urls).toEqual([])
  })
})

describe('a page that is not ours, or does not speak', () => {
  test('F12 a frame without a word is passed over, and the report says so', async () => {
    const server = await fakeServer(ourServer())
    visitNotebook(await fakeServer(notebookWith(() => server.port, ourServer())))
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const blocked = await view.page()
    blocked.iframe.dispatchEvent(new Event('load'))
    await expect.poll(() => blocked.iframe.isConnected).toBe(false)
    const page = await view.page()
    expect(page.url).toContain(server.base)
    page.greet()
    const { candidates } = await host.kernel.heard('resolved')
    expect(candidates.map(({ verdict }) => verdict)).toEqual(['frameSilent', 'proven'])
  })

  test('a frame that still loads is waited for, however long the silence so far', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    await new Promise((resolve) => setTimeout(resolve, 5_500))
    page.greet()
    expect(await page.heard('start')).toMatchObject({ transport: 'direct' })
  })

  test('10 000 forged greetings of siblings, other origins and other viewers are not believed', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    const sibling = document.createElement('iframe')
    document.body.append(sibling)
    for (let count = 0; count < 2_500; count++) {
      page.greet({ source: sibling.contentWindow })
      page.greet({ source: null })
      page.greet({ origin: 'https://evil.example' })
      page.greet({ viewerId: 'ffffffffffffffff' })
    }
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(page.connects).toEqual([])
    page.greet()
    await page.heard('start')
    expect(page.connects).toHaveLength(1)
  })

  test('messages of an unknown kind over the port change nothing', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    page.greet()
    await page.heard('start')
    page.send({ kind: 'drawn', cells: 'many' } as never)
    page.send({ kind: 'later' } as never)
    page.send({ kind: 'drawn', cells: 1 })
    await reaches(view.root, 'ready')
    expect(view.root.dataset.cellucidCells).toBe('1')
  })

  test('F5, F6 another server on the port: not framed, never told a secret, then the tunnel', async () => {
    const other = await fakeServer(ourServer({ ...IDENTITY, token: 'ee'.repeat(32) } as Identity))
    const host = await startWidgetHost()
    serveTunnel(host)
    const view = await host.render()
    await host.kernel.push(welcome({ port: other.port, hints: { ssh: true } }))
    const page = await view.page()
    expect(page.url).toBeNull()
    expect(other.heard()).toContain('/_cellucid/health')
    expect(other.heard()).not.toContain(IDENTITY.token)
    expect(other.heard()).not.toContain(KEY)
    page.greet()
    const { candidates } = await host.kernel.heard('resolved')
    expect(candidates[0]).toMatchObject({ kind: 'direct', verdict: 'badProof' })
  })
})

describe('what a view found', () => {
  const told = (host: WidgetHost) =>
    host.kernel.sent.flatMap(({ message }) => (message.kind === 'resolved' ? [message] : []))

  test('is told the kernel again until it is noted: a busy front end loses messages without a word', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    ;(await view.page()).greet()
    const first = await host.kernel.heard('resolved')
    await host.kernel.push({ kind: 'noted', view: 'of another view', id: first.id })
    await host.kernel.push({ kind: 'noted', view: first.view, id: first.id - 1 })
    await expect.poll(() => told(host).length).toBeGreaterThan(1)
    await host.kernel.push({ kind: 'noted', view: first.view, id: first.id })
    const again = told(host)
    expect(again).toEqual(again.map(() => first))
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(told(host)).toHaveLength(again.length)
  })
})

describe('coming back', () => {
  async function ready(host: WidgetHost, server: FakeServer) {
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    page.greet()
    await page.heard('start')
    page.send({ kind: 'drawn', cells: 9 })
    await reaches(view.root, 'ready')
    return { view, page }
  }

  test('a page that lost its server is replaced, and stays on screen until the next has drawn', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const { view, page } = await ready(host, server)
    page.send({ kind: 'lost', reason: 'the channel closed' })
    const next = await view.page(1)
    next.greet()
    await next.heard('start')
    expect(page.iframe.isConnected).toBe(true)
    expect(page.iframe.className).toBe('drawn')
    next.send({ kind: 'drawn', cells: 9 })
    await expect.poll(() => page.iframe.isConnected).toBe(false)
    expect(next.iframe.className).toBe('drawn')
    await reaches(view.root, 'ready')
  })

  test('a page that says twice that it lost its server starts one search', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const { view, page } = await ready(host, server)
    const before = server.urls.length
    page.send({ kind: 'lost', reason: 'a' })
    page.send({ kind: 'lost', reason: 'b' })
    await view.page(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(server.urls.length - before).toBe(1)
  })

  test('a welcome that repeats itself changes nothing; another instance starts a search', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const { view } = await ready(host, server)
    const asked = server.urls.length
    await host.kernel.push(welcome({ port: server.port }))
    await host.kernel.push(welcome({ port: server.port }))
    expect(server.urls).toHaveLength(asked)
    const restarted = { ...IDENTITY, instanceId: '0000000000000001' } as Identity
    const second = await fakeServer(ourServer(restarted))
    await host.kernel.push(welcome({ port: second.port, instanceId: restarted.instanceId }))
    expect((await view.page(1)).url).toContain(second.base)
  })

  test('a frame that the notebook moved, and so loaded anew, is replaced', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const { view, page } = await ready(host, server)
    page.iframe.dispatchEvent(new Event('load'))
    expect(view.shadow.querySelectorAll('iframe')).toHaveLength(1)
    page.iframe.dispatchEvent(new Event('load'))
    expect((await view.page(1)).url).toContain(server.base)
  })

  test('a frame that the notebook moved says at once that it has no picture, and is replaced', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const { view, page } = await ready(host, server)
    move(view.root, page.iframe)
    expect(view.root.dataset.cellucidStatus).toBe('resolving')
    expect((await view.page()).url).toContain(server.base)
    expect(page.iframe.isConnected).toBe(false)
  })

  test.each(['before its page spoke', 'before it drew'])(
    'a frame that the notebook moved %s is replaced',
    async (when) => {
      const server = await fakeServer(ourServer())
      const host = await startWidgetHost()
      const view = await host.render()
      await host.kernel.push(welcome({ port: server.port }))
      const page = await view.page()
      if (when === 'before it drew') {
        page.greet()
        await page.heard('start')
      }
      move(view.root, page.iframe)
      await expect.poll(() => page.iframe.isConnected).toBe(false)
      const next = await view.page()
      next.greet()
      await next.heard('start')
      next.send({ kind: 'drawn', cells: 700 })
      await reaches(view.root, 'ready')
    },
  )

  test('a base whose page loses its server before it drew is passed over', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    serveTunnel(host)
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    page.greet()
    await page.heard('start')
    page.send({ kind: 'lost', reason: 'the proxy lets no key through' })
    const next = await view.page()
    await expect
      .poll(() => next.iframe.hasAttribute('srcdoc') || view.shadow.querySelector('iframe[srcdoc]'))
      .toBeTruthy()
  })

  test('after a restart of the kernel the old picture stays, and the cell says what to do', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const { view, page } = await ready(host, server)
    await host.kernel.restart()
    expect(view.root.dataset.cellucidStatus).toBe('ready')
    visitNotebook(await fakeServer((_request, response) => html(response, 404)))
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('refused')))
    onTestFinished(() => {
      vi.unstubAllGlobals()
    })
    page.send({ kind: 'lost', reason: 'the server is gone' })
    await reaches(view.root, 'saved')
    expect(page.iframe.isConnected).toBe(true)
    expect(view.shadow.querySelector('.notice')?.textContent).toContain('Run this cell')
  })

  test('a viewer that was stopped says why, and keeps its last picture', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const { view, page } = await ready(host, server)
    await host.kernel.push({ kind: 'stopped', reason: 'The viewer was stopped. Run the cell again to open it.' })
    expect(view.root.dataset.cellucidStatus).toBe('saved')
    expect(page.iframe.isConnected).toBe(true)
    const later = await host.render()
    expect(later.shadow.querySelector('.notice')?.textContent).toContain('was stopped')
  })

  test('a view that is removed says bye and takes its frame along', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const { view, page } = await ready(host, server)
    view.remove()
    await host.kernel.heard('bye')
    expect(page.iframe.isConnected).toBe(false)
  })
})

/** As a notebook does when it folds a cell: out of its page and in again, which gives the frame another window. */
function move(root: HTMLElement, iframe: HTMLIFrameElement): void {
  const { parentElement } = root
  root.remove()
  Object.defineProperty(iframe, 'contentWindow', { value: {} })
  parentElement?.append(root)
}

describe('after a sleep', () => {
  function sleep(ms: number): void {
    const visibility = vi.spyOn(document, 'visibilityState', 'get')
    const clock = vi.spyOn(performance, 'now')
    const now = performance.now()
    visibility.mockReturnValue('hidden')
    document.dispatchEvent(new Event('visibilitychange'))
    clock.mockReturnValue(now + ms)
    visibility.mockReturnValue('visible')
    document.dispatchEvent(new Event('visibilitychange'))
    clock.mockRestore()
    visibility.mockRestore()
  }

  async function ready(answer: RequestListener) {
    const server = await fakeServer(answer)
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    page.greet()
    await page.heard('start')
    page.send({ kind: 'drawn', cells: 9 })
    await reaches(view.root, 'ready')
    return { host, view, server }
  }

  test('a server that proves itself keeps its page', async () => {
    const { view, server } = await ready(ourServer())
    sleep(120_000)
    await expect.poll(() => server.urls.length).toBe(2)
    expect(view.shadow.querySelectorAll('iframe')).toHaveLength(1)
    expect(view.root.dataset.cellucidStatus).toBe('ready')
  })

  test('one that does not is looked for anew', async () => {
    let isAwake = true
    const { host, view } = await ready((request, response) => {
      if (isAwake) ourServer()(request, response)
      else html(response, 502)
    })
    serveTunnel(host)
    isAwake = false
    sleep(120_000)
    const next = await view.page(1)
    expect(next.iframe.hasAttribute('srcdoc')).toBe(true)
  })

  test('a short absence asks nobody', async () => {
    const { server } = await ready(ourServer())
    sleep(10_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(server.urls).toHaveLength(1)
  })
})

describe('where the browser would ask its user', () => {
  test('the direct port is a button beside the picture, and taken when it proves itself', async () => {
    const server = await fakeServer(ourServer())
    // By http, since happy-dom knows no exception for loopback among mixed content.
    visit('http://notebooks.example.org/')
    vi.stubGlobal('isSecureContext', true)
    const host = await startWidgetHost()
    serveTunnel(host)
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    page.greet()
    await page.heard('start')
    page.send({ kind: 'drawn', cells: 3 })
    await reaches(view.root, 'ready')
    expect(server.heard()).toBe('')
    const button = view.shadow.querySelector<HTMLButtonElement>('.notice button')
    expect(button?.textContent).toContain('your browser will ask')
    button?.click()
    const direct = await view.page(1)
    expect(direct.url).toContain(server.base)
    direct.greet()
    await direct.heard('start')
    direct.send({ kind: 'drawn', cells: 3 })
    await expect.poll(() => view.root.dataset.cellucidTransport).toBe('direct')
  })
})

describe('a base that comes late', () => {
  test('is offered beside a picture that goes through the notebook, and taken on the click', async () => {
    let isForwarded = false
    const server = await fakeServer((request, response) => {
      if (isForwarded) ourServer()(request, response)
    })
    const host = await startWidgetHost()
    serveTunnel(host)
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    page.greet()
    await page.heard('start')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    page.send({ kind: 'drawn', cells: 3 })
    await reaches(view.root, 'ready')
    isForwarded = true
    await vi.advanceTimersByTimeAsync(10_000)
    vi.useRealTimers()
    const notice = () => view.shadow.querySelector<HTMLElement>('.notice')
    await expect.poll(() => notice()?.textContent).toContain('A faster connection works now.')
    expect(view.shadow.querySelectorAll('iframe')).toHaveLength(1)
    notice()?.querySelector('button')?.click()
    expect((await view.page(1)).url).toContain(server.base)
  })
})

describe('while there is no picture', () => {
  test('the cell says what it waits for, and nothing once the picture stands', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const view = await host.render()
    const waiting = () => view.shadow.querySelector('.waiting')?.textContent
    expect(waiting()).toContain('Waiting for the kernel')
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    expect(waiting()).toContain('Loading the viewer')
    page.greet()
    await page.heard('start')
    page.send({ kind: 'drawn', cells: 1 })
    await reaches(view.root, 'ready')
    expect(waiting()).toBe('')
  })
})

describe('a proxy behind a cookie wall', () => {
  /** The page's own answer to a probe that it relays: what its server would say. */
  function relayed(query: string, identity: Identity = IDENTITY): unknown {
    const nonce = new URLSearchParams(query).get('nonce') as Nonce
    return { status: 'ok', protocol: PROTOCOL_VERSION, version: '0.1.0', ...proofOf(identity, nonce) }
  }

  async function walled() {
    visit('https://notebooks.example.org/')
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no CORS here')))
    const host = await startWidgetHost()
    serveTunnel(host)
    const view = await host.render()
    const override = 'https://proxy.example.net/{port}/'
    await host.kernel.push(welcome({ override }))
    const page = await view.page()
    page.greet()
    const { id, query } = await page.heard('probe')
    return { host, view, page, id, query }
  }

  test('is asked by the page, which was loaded without the token and gets a key once the base is proven', async () => {
    const { view, page, id, query } = await walled()
    expect(page.url).toMatch(/^https:\/\/proxy\.example\.net\/8765\/\?jupyter=true&viewerId=0123456789abcdef&nonce=/)
    expect(page.url).not.toContain(IDENTITY.token)
    expect(await page.heard('start')).toMatchObject({ pageKey: null, transport: 'override' })
    page.send({ kind: 'probeAnswer', id, status: 200, body: relayed(query) })
    expect(await page.heard('key')).toEqual({ kind: 'key', pageKey: KEY })
    page.send({ kind: 'drawn', cells: 4 })
    await reaches(view.root, 'ready')
  })

  test('that answers for another viewer gets no key', async () => {
    const { view, page, id, query } = await walled()
    const other = { ...IDENTITY, token: 'cd'.repeat(32) } as Identity
    page.send({ kind: 'probeAnswer', id, status: 200, body: relayed(query, other) })
    await reaches(view.root, 'card')
    expect(page.iframe.isConnected).toBe(false)
    await expect(Promise.race([page.heard('key'), Promise.resolve('none')])).resolves.toBe('none')
  })
})

describe('secrets', () => {
  test('stand in no attribute and no text of the document, in none of the states', async () => {
    const server = await fakeServer(ourServer())
    const host = await startWidgetHost()
    const view = await host.render()
    const texts = [documentText(view.root)]
    await host.kernel.push(welcome({ port: server.port }))
    const page = await view.page()
    texts.push(documentText(view.root))
    page.greet()
    await page.heard('start')
    page.send({ kind: 'drawn', cells: 1 })
    await reaches(view.root, 'ready')
    texts.push(documentText(view.root))
    expect(texts.filter((text) => text.includes(IDENTITY.token))).toEqual([])
    const sent = JSON.stringify(host.kernel.sent.map(({ message }) => message))
    expect(sent).not.toContain(IDENTITY.token)
    expect(JSON.stringify(Object.entries(page.connects))).not.toContain(IDENTITY.token)
  })

  test('the login of the notebook, which lies beside its base URL, goes nowhere', async () => {
    const server = await fakeServer((_request, response) => json(response, 404, {}))
    const notebook = await fakeServer(notebookWith(() => server.port, ourServer()))
    visitNotebook(notebook)
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.push(welcome({ port: server.port }))
    ;(await view.page()).greet()
    await host.kernel.heard('resolved')
    for (const { heard } of [server, notebook]) expect(heard()).not.toContain('the-notebook-login')
    expect(JSON.stringify(host.kernel.sent)).not.toContain('the-notebook-login')
  })
})
