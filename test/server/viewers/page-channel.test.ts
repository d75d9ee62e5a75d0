import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { encodeCells } from '../../../protocol/cells.ts'
import type { Command } from '../../../protocol/commands.ts'
import { encodeFrame } from '../../../protocol/frame.ts'
import type { PageKey } from '../../../protocol/probe.ts'
import { KEY_HEADER, ROUTES } from '../../../protocol/urls.ts'
import { listen } from '../../../server/process/listen.ts'
import { KernelPulse } from '../../../server/viewers/kernel-status.ts'
import { appStage, INSTANCE } from '../../stage/app-stage.ts'
import { PollPage, SocketPage } from '../../stage/page-end.ts'

const NOTHING = new Uint8Array()
const CELLS = 700

async function channelStage() {
  const stage = await appStage()
  const viewer = stage.open()
  const port = await listen(stage.app, 0, false)
  const base = `http://127.0.0.1:${port}/`
  const facts = (of = viewer) => ({ base, viewerId: of.id, pageKey: stage.key(of).key })
  const connect = (Page: typeof SocketPage | typeof PollPage, of = facts()) => {
    const page = new Page(of)
    onTestFinished(() => page.close())
    return page
  }
  return {
    ...stage,
    viewer,
    port,
    base,
    facts,
    connect,
    openViewer: () => stage.open(),
    /** A page that was welcomed. */
    async open(Page: typeof SocketPage | typeof PollPage, of = facts()) {
      const page = connect(Page, of)
      page.hello()
      await page.hear('welcome')
      return page
    },
    command: (seq: number, command: Command, body = NOTHING) => viewer.addCommand(seq, command, body),
    acks: () => stage.said.flatMap((call) => (call.method === 'viewer.ack' ? [call.params] : [])),
  }
}

describe.each([
  ['a WebSocket', SocketPage],
  ['post and long-poll', PollPage],
])('over %s', (_name, Page) => {
  test('each page is told whose the other pages are, when one comes, goes and says its name', async () => {
    const { open, facts } = await channelStage()
    const ofMine = await open(Page)
    const ofNobody = await open(Page)
    ofMine.send({ kind: 'user', name: 'Ada' })
    const ofOther = await open(Page)
    ofOther.send({ kind: 'user', name: 'Bea' })
    expect((await ofMine.hear('company')).others).toEqual(['Bea'])
    expect((await ofOther.hear('company')).others).toEqual(['Ada'])
    const alsoMine = await open(Page, facts())
    alsoMine.send({ kind: 'user', name: 'Ada' })
    expect((await alsoMine.hear('company')).others).toEqual(['Bea'])
    ofOther.close()
    await ofMine.hear('company', ({ others }) => others.length === 0)
    expect(ofNobody.heard.filter(({ kind }) => kind === 'company')).toEqual([])
  })

  test('a page is welcomed with the viewer’s state, its sets of cells and the commands that wait', async () => {
    const { connect, viewer, command } = await channelStage()
    viewer.keepState({ embedding: 'X_umap', camera: { center: [0, 0], zoom: 2 } })
    const { head, body } = encodeCells(Uint32Array.of(1, 5, 9), CELLS)
    viewer.keepCells('selection', head, body)
    await command(1, { kind: 'resetCamera' })
    const page = connect(Page)
    page.hello()
    await page.hear('command')
    // Of which version the data are comes when the source has told.
    expect(page.heard.filter(({ kind }) => kind !== 'data')).toEqual([
      {
        kind: 'welcome',
        instanceId: INSTANCE,
        protocol: 1,
        state: { embedding: 'X_umap', camera: { center: [0, 0], zoom: 2 } },
        cellSets: 1,
        savesPictures: true,
        body: NOTHING,
      },
      { kind: 'cellSet', name: 'selection', cells: head, body: expect.any(Uint8Array) },
      { kind: 'command', seq: 1, command: { kind: 'resetCamera' }, body: NOTHING },
    ])
    expect([...(page.heard[1]?.body ?? [])]).toEqual([...body])
  })

  test('a command arrives once; the first acknowledgement settles it', async () => {
    const { open, command, acks, viewer } = await channelStage()
    const [first, second] = [await open(Page), await open(Page)]
    await command(7, { kind: 'freeze' })
    await Promise.all([first.hear('command'), second.hear('command')])
    first.send({ kind: 'ack', seq: 7, ok: true })
    await expect.poll(acks).toHaveLength(1)
    second.send({ kind: 'ack', seq: 7, ok: false, reason: 'late' })
    second.send({ kind: 'ack', seq: 99, ok: true })
    second.send({ kind: 'state', state: { embedding: 'marker' } })
    await expect.poll(() => viewer.state.page).toEqual({ embedding: 'marker' })
    expect(acks()).toEqual([{ viewerId: viewer.id, seq: 7, ok: true }])
    expect([first.commandSeqs, second.commandSeqs]).toEqual([[7], [7]])
    expect(viewer.outbox.waiting).toEqual([])
    const third = await open(Page)
    await command(8, { kind: 'freeze' })
    await third.hear('command')
    expect(third.commandSeqs).toEqual([8])
  })

  test('of the state-like commands that wait only the last of a kind arrives, in its place', async () => {
    const { open, command, acks } = await channelStage()
    await command(1, { kind: 'setColorBy', field: 'cluster' })
    await command(2, { kind: 'freeze' })
    await command(3, { kind: 'setColorBy', field: 'CD3D' })
    await command(4, { kind: 'setEmbedding', name: 'X_umap' })
    await command(5, { kind: 'freeze' })
    const page = await open(Page)
    await page.hear('command', ({ seq }) => seq === 5)
    expect(page.commandSeqs).toEqual([2, 3, 4, 5])
    expect(acks()).toEqual([expect.objectContaining({ seq: 1, ok: true })])
  })

  test('a colour is resolved before the pages hear of it; a wrong one is refused with its sentence', async () => {
    const { open, command, acks } = await channelStage()
    const page = await open(Page)
    await command(1, { kind: 'setColorBy', field: 'CD3D' })
    await command(2, { kind: 'setColorBy', field: 'nope' })
    await command(3, { kind: 'setColorBy', field: null })
    await page.hear('command', ({ seq }) => seq === 3)
    expect(page.heard.flatMap((heard) => (heard.kind === 'command' ? [heard.command] : []))).toEqual([
      { kind: 'setColorBy', field: 'CD3D', color: { axis: 'var', key: 'CD3D', matrix: { in: 'X' } } },
      { kind: 'setColorBy', field: null, color: null },
    ])
    // The first gave way to the third, which is as good as done.
    expect(acks()).toEqual([
      expect.objectContaining({ seq: 2, ok: false, reason: expect.stringContaining('"nope"') }),
      expect.objectContaining({ seq: 1, ok: true }),
    ])
  })

  test('an event reaches the kernel with its cells, and the selection is kept for the next page', async () => {
    const { open, said, viewer } = await channelStage()
    const page = await open(Page)
    const { head, body } = encodeCells(
      Uint32Array.from({ length: 300 }, (_, i) => i * 2),
      CELLS,
    )
    page.send({ kind: 'event', id: 'e-1', event: { kind: 'selection', cells: head, source: 'lasso' } }, body)
    await expect.poll(() => said.some(({ method }) => method === 'viewer.event')).toBe(true)
    const event = said.find(({ method }) => method === 'viewer.event')
    expect(event?.params).toEqual({
      viewerId: viewer.id,
      id: 'e-1',
      event: { kind: 'selection', cells: head, source: 'lasso' },
    })
    expect([...(event?.body ?? [])]).toEqual([...body])
    const next = await open(Page)
    expect((await next.hear('cellSet')).cells).toEqual(head)
    const none = encodeCells(new Uint32Array(), CELLS)
    page.send({ kind: 'event', id: 'e-2', event: { kind: 'selection', cells: none.head, source: 'click' } }, none.body)
    await expect.poll(() => viewer.state.cellSets.size).toBe(0)
    // The kernel keeps the cells from the event: they are not sent to it a second time.
    expect(said.map(({ method }) => method)).not.toContain('viewer.cellSet')
  })

  test('a set of cells of several megabytes arrives in parts, both ways', async () => {
    const { open, viewer } = await channelStage()
    const page = await open(Page)
    const cells = Uint32Array.from({ length: 700_000 }, (_, i) => i * 50)
    const { head, body } = encodeCells(cells, 35_000_000)
    expect(body.byteLength).toBeGreaterThan(2 << 20)
    page.send({ kind: 'cellSet', name: 'group/large', cells: head }, body)
    await expect.poll(() => viewer.state.cellSets.get('group/large')?.body.byteLength).toBe(body.byteLength)
    const next = await open(Page)
    const heard = await next.hear('cellSet')
    expect(Buffer.compare(heard.body, body)).toBe(0)
  })

  test('what only one page can answer goes to the one touched last, and to another when that one leaves', async () => {
    const { open, command, viewer } = await channelStage()
    const [first, second] = [await open(Page), await open(Page)]
    first.send({ kind: 'touched' })
    await expect.poll(() => viewer.primaryPage === viewer.pages[0]).toBe(true)
    await command(1, { kind: 'screenshot', requestId: 'r', scale: 1 })
    await command(2, { kind: 'freeze' })
    await first.hear('command', ({ seq }) => seq === 2)
    await second.hear('command', ({ seq }) => seq === 2)
    expect([first.commandSeqs, second.commandSeqs]).toEqual([[1, 2], [2]])
    second.send({ kind: 'touched' })
    await second.hear('command', ({ seq }) => seq === 1)
  })

  test('a message that misses its schema is refused: the kernel hears it, the page too, and all goes on', async () => {
    const { open, viewer, said } = await channelStage()
    const page = await open(Page)
    page.send({ kind: 'from-the-future' })
    page.send({ kind: 'event', id: 'x', event: { kind: 'from-the-future' } } as never)
    page.send({ kind: 'state', state: { dimensions: 3 } })
    await expect.poll(() => viewer.state.page).toEqual({ dimensions: 3 })
    expect(viewer.pages[0]?.unknownMessages).toBe(2)
    const refused = said.flatMap((call) => (call.method === 'viewer.refused' ? [call.params] : []))
    expect(refused.map(({ call }) => call)).toEqual(['message "from-the-future"', 'event "from-the-future"'])
    expect(refused[1]?.reason).toMatch(/^The page's event "from-the-future" cannot be read \(event\.kind: .*Reload/)
    const { reason } = await page.hear('refused', ({ reason }) => reason.startsWith("The page's event"))
    expect(reason).toBe(refused[1]?.reason)
  })

  test('the kernel hears how many pages there are', async () => {
    const { open, said } = await channelStage()
    const counts = () => said.flatMap((call) => (call.method === 'viewer.pages' ? [call.params.pages] : []))
    await open(Page)
    await open(Page)
    expect(counts()).toEqual([1, 2])
  })

  test('when the viewer ends, its pages are closed and their keys are dead', async () => {
    const { open, facts, viewers, viewer, connect } = await channelStage()
    const own = facts()
    const page = await open(Page, own)
    await viewers.close(viewer.id, 'Stopped by viewer.stop().')
    expect(await page.closed).toBe(Page === SocketPage ? 1001 : 401)
    const late = connect(Page, own)
    late.hello()
    expect(await late.closed).toBe(Page === SocketPage ? 4401 : 401)
  })

  test('a page of another protocol is told so', async () => {
    const { connect, viewer } = await channelStage()
    const page = connect(Page)
    page.hello({ protocol: 99 })
    expect(await page.closed).toBe(Page === SocketPage ? 1008 : 409)
    expect(viewer.openPages).toBe(0)
  })

  test('more than is kept for a next page is told to the kernel all the same, and the page goes on', async () => {
    const { open, viewer, said } = await channelStage()
    const page = await open(Page)
    const { head, body } = encodeCells(Uint32Array.of(3), CELLS)
    for (let i = 0; i < 256; i++) viewer.keepCells(`group/${i}`, head, body)
    page.send({ kind: 'event', id: 's', event: { kind: 'selection', cells: head, source: 'lasso' } }, body)
    page.send({ kind: 'state', state: { note: 'x'.repeat(300_000) } })
    page.send({ kind: 'state', state: { dimensions: 2 } })
    await expect.poll(() => viewer.state.page).toEqual({ dimensions: 2 })
    expect(said.some(({ method }) => method === 'viewer.event')).toBe(true)
    expect(viewer.console.lines.map(({ message }) => message)).toEqual([
      expect.stringContaining('Too many groups'),
      expect.stringContaining('at most 262144'),
    ])
  })

  test('a page whose key gave way to newer ones is closed', async () => {
    const { open, facts } = await channelStage()
    const page = await open(Page)
    for (let i = 0; i < 8; i++) facts()
    expect(await page.closed).toBe(Page === SocketPage ? 4401 : 401)
  })

  test('a page hears that the kernel keeps its data waiting, also when it comes in the middle', async () => {
    const { viewer, open } = await channelStage()
    const early = await open(Page)
    const answer = Promise.withResolvers<{ result: unknown; body: Uint8Array }>()
    const pulse = new KernelPulse((message) => viewer.tellPages(message))
    Object.assign(viewer, { pulse })
    const reading = pulse.watch(() => answer.promise)({ what: 'describe' }, new AbortController().signal)
    await early.hear('kernel', ({ status }) => status === 'busy')
    const late = await open(Page)
    await late.hear('kernel', ({ status }) => status === 'busy')
    answer.resolve({ result: {}, body: NOTHING })
    await reading
    await Promise.all([early, late].map((page) => page.hear('kernel', ({ status }) => status === 'idle')))
  })

  test('console lines of a tab are kept with secrets removed, and do not go to the kernel', async () => {
    const { open, viewer, said } = await channelStage()
    const page = await open(Page)
    const line = { level: 'error', message: `failed at ?viewerToken=${'a'.repeat(64)}`, ts: 1, count: 1, from: 'page' }
    page.send({ kind: 'event', id: 'c', event: { kind: 'console', lines: [line, line] } } as never)
    await expect.poll(() => viewer.console.lines).toHaveLength(1)
    expect(viewer.console.lines[0]).toMatchObject({ message: 'failed at ?viewerToken=[removed]', count: 2 })
    expect(said.some(({ method }) => method === 'viewer.event')).toBe(false)
  })
})

describe('a WebSocket', () => {
  test('whose first frame shows no live key is closed with 4401', async () => {
    const { connect, facts, open } = await channelStage()
    const own = facts()
    for (const wrong of [
      { ...own, pageKey: 'x'.repeat(43) as PageKey },
      { ...own, viewerId: '0'.repeat(16) as typeof own.viewerId },
      { ...own, pageKey: '' as PageKey },
    ]) {
      const page = connect(SocketPage, wrong)
      page.hello()
      expect(await page.closed).toBe(4401)
    }
    await open(SocketPage, own)
  })

  test('by a name that another viewer learnt is refused before it opens', async () => {
    const { facts, viewer, openViewer } = await channelStage()
    const lesson = { base: 'https://hub.example/', origin: 'https://hub.example', ancestors: '' }
    viewer.learnt.learn({ name: 'hub.example', port: '' }, lesson)
    const [own, other] = [facts(), facts(openViewer())].map((of) => new SocketPage(of, { host: 'hub.example' }))
    onTestFinished(() => own?.close())
    own?.hello()
    await own?.hear('welcome')
    expect(await other?.closed).toBe(1006)
  })

  test('that says something else first, or too much, is closed', async () => {
    const { connect } = await channelStage()
    const early = connect(SocketPage)
    early.send({ kind: 'touched' })
    expect(await early.closed).toBe(1008)
    const large = connect(SocketPage)
    large.hello({ proof: 'x'.repeat(5_000) })
    expect(await large.closed).toBe(1009)
    const text = connect(SocketPage) as SocketPage // made as one
    text.socket.once('open', () => text.socket.send('{"kind":"hello"}'))
    expect(await text.closed).toBe(1008)
  })

  test('that says nothing for five seconds is closed', async () => {
    const { connect } = await channelStage()
    const start = performance.now()
    expect(await connect(SocketPage).closed).toBe(4401)
    expect(performance.now() - start).toBeGreaterThan(4_900)
  })

  test('that breaks the frame format ends alone', async () => {
    const { open, viewer } = await channelStage()
    const [honest, broken] = [await open(SocketPage), await open(SocketPage)] as SocketPage[]
    broken?.socket.send(Buffer.from([255, 255, 255, 255, 1]))
    expect(await broken?.closed).toBe(1008)
    const huge = (await open(SocketPage)) as SocketPage
    huge.socket.send(Buffer.alloc((1 << 20) + 1))
    expect(await huge.closed).toBe(1009)
    honest?.send({ kind: 'state', state: { dimensions: 2 } })
    await expect.poll(() => viewer.state.page).toEqual({ dimensions: 2 })
  })

  test('of more than 256 unproven ones, the oldest is told to come later, and the next may prove itself', async () => {
    const { connect, facts, viewer } = await channelStage()
    const own = facts() // a viewer has fewer keys than sockets
    const oldest = connect(SocketPage, own) as SocketPage
    const challenged = ({ socket }: SocketPage) => new Promise((resolve) => socket.once('message', resolve))
    await challenged(oldest)
    await Promise.all(Array.from({ length: 255 }, () => challenged(connect(SocketPage, own) as SocketPage)))
    const page = connect(SocketPage, own)
    expect(await oldest.closed).toBe(1013)
    page.hello()
    await page.hear('welcome')
    expect(viewer.openPages).toBe(1)
  })

  test('that answers no ping is given up', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const { open, viewer } = await channelStage()
    const page = await open(SocketPage)
    const round = async (count: number) => {
      vi.advanceTimersByTime(20_000)
      await expect.poll(() => page.heard.filter(({ kind }) => kind === 'ping')).toHaveLength(count)
    }
    await round(1)
    await round(2)
    page.send({ kind: 'pong' })
    page.send({ kind: 'state', state: {} })
    await expect.poll(() => viewer.state.page).toEqual({})
    await round(3)
    await round(4)
    vi.advanceTimersByTime(20_000)
    expect(await page.closed).toBe(1001)
    expect(viewer.openPages).toBe(0)
  })

  test('of a page that has a newer one is closed, and its page goes on', async () => {
    const { open, facts, command, viewer } = await channelStage()
    const own = facts()
    const old = await open(SocketPage, own)
    const fresh = await open(SocketPage, own)
    expect(await old.closed).toBe(1001)
    await command(1, { kind: 'freeze' })
    await fresh.hear('command')
    expect(viewer.openPages).toBe(1)
  })
})

describe('post and long-poll', () => {
  test('a post that is sent again is applied once, one that skips a number is refused', async () => {
    const { open, facts, said } = await channelStage()
    const page = (await open(PollPage, facts())) as PollPage
    const event = (id: string) => [
      encodeFrame({ kind: 'event', id, event: { kind: 'ready', nCells: 1, dimensions: 2 } }),
    ]
    expect(await page.post(2, event('a'))).toBe(200)
    expect(await page.post(2, event('a'))).toBe(200)
    expect(await page.post(1, event('b'))).toBe(200)
    expect(await page.post(4, event('c'))).toBe(400)
    expect(await page.post(3, event('d'))).toBe(200)
    const ids = said.flatMap((call) => (call.method === 'viewer.event' ? [call.params.id] : []))
    expect(ids).toEqual(['a', 'd'])
  })

  test('a poll whose answer was lost is answered again', async () => {
    const { facts, connect, command } = await channelStage()
    const page = connect(PollPage, facts()) as PollPage // made as one
    expect(await page.post(1, [helloFrame(page)])).toBe(200)
    const first = await page.ask(0)
    expect(await page.ask(0)).toEqual(first)
    await command(1, { kind: 'freeze' })
    const second = await page.ask(1)
    expect(second?.body.byteLength).toBeGreaterThan(0)
    expect(await page.ask(1)).toEqual(second)
    expect((await page.ask(99))?.status).toBe(410)
  })

  test('a newer poll answers the one before', async () => {
    const { facts, connect } = await channelStage()
    const page = connect(PollPage, facts()) as PollPage // made as one
    await page.post(1, [helloFrame(page)])
    await page.ask(0)
    const waiting = page.ask(1)
    const newer = page.ask(1)
    expect((await waiting)?.status).toBe(200)
    page.close()
    await newer
  })

  test('before a hello there is nothing to ask', async () => {
    const { facts, connect } = await channelStage()
    expect((await (connect(PollPage, facts()) as PollPage).ask(0))?.status).toBe(400)
  })

  test('events that did not arrive whole are refused and nothing of them is applied', async () => {
    const { base, facts, said, viewer } = await channelStage()
    const own = facts()
    const headers = { [KEY_HEADER]: own.pageKey, 'content-type': 'application/octet-stream' }
    for (const body of [
      [1, 0, 0, 0],
      [0, 0, 0, 0],
      [255, 255, 255, 255],
      [8, 0, 0, 0, 4, 0, 0, 0],
    ]) {
      const url = `${base}${ROUTES.events}?sequence=1`
      const answer = await fetch(url, { method: 'POST', headers, body: Uint8Array.from(body) })
      expect(answer.status).toBe(400)
    }
    expect(said).toEqual([])
    expect(viewer.openPages).toBe(0)
  })
})

function helloFrame(page: PollPage): Uint8Array {
  let frame = new Uint8Array()
  const spy = new (class extends PollPage {
    protected override sendFrames([first]: readonly Uint8Array[]): void {
      frame = Uint8Array.from(first ?? [])
    }
  })(page.facts)
  spy.hello()
  return frame
}
