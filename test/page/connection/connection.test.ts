// @vitest-environment node
import { afterEach, expect, test } from 'vitest'
import { Connection, ConnectionEnded } from '../../../page/connection/connection.ts'
import { Line, type Permit } from '../../../page/connection/line.ts'
import { ServerClient } from '../../../page/connection/server-client.ts'
import { httpTransport, type Transport } from '../../../page/connection/transport.ts'
import { encodeFrame } from '../../../protocol/frame.ts'
import { linkToken } from '../../../protocol/handshake.ts'
import type { Overheard } from '../../stage/squatter.ts'
import { type StartedServer, startServer } from '../../stage/start-server.ts'
import { startSquatter } from '../../stage/start-squatter.ts'

const running: (() => Promise<unknown> | boolean | undefined)[] = []
afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})

async function openPage(server: StartedServer, permit: Permit) {
  const { viewerId, viewerToken } = await server.openViewer()
  const life = new AbortController()
  running.push(async () => life.abort())
  const place = { base: server.base, viewerId, isDirect: true }
  const link = linkToken(viewerToken, viewerId, server.instanceId)
  const first = await Connection.open(place, { secret: link, frame: null, isFresh: true }, life.signal)
  if (first === null) throw new Error('no connection')
  const open = () => Connection.open(place, { secret: first.pageKey, frame: null, isFresh: false }, life.signal)
  const line = new Line(first, open, permit)
  const transport: Transport = httpTransport({ hostname: '127.0.0.1', pathname: '/' }, line, () => [])
  return { first, line, client: new ServerClient(transport), signal: life.signal, viewerId, viewerToken, link, place }
}

const start = async () => {
  const server = await startServer()
  running.push(() => (server.process.exitCode === null && server.process.signalCode === null ? server.stop() : true))
  return server
}
const textOf = (heard: readonly Overheard[]) => heard.map((word) => ('text' in word ? word.text : '')).join('\n')
/** Names of the small dataset, and what only a page says. */
const OURS = /cluster|score|CD3D|umap|viewerToken|X-Cellucid-Key|"kind":"(?:state|event|ask|hello|ack)"|PNG/

test('reads, searches and pictures ride one proven socket', async () => {
  const { client, signal } = await openPage(await start(), () => Promise.resolve())
  const { nObs } = await client.identity(signal)
  const column = await client.column({ axis: 'obs', key: 'cluster' }, { cellCount: nObs }, signal)
  expect(column).toMatchObject({ kind: 'codes' })
  expect((await client.genes('CD', { matrix: { in: 'X' }, limit: 5 }, signal)).genes).not.toEqual([])
  await client.putSnapshot(Uint8Array.from(Buffer.from('iVBORw0KGgoAAAAA', 'base64')), null, signal)
  await expect(client.column({ axis: 'obs', key: 'none' }, { cellCount: nObs }, signal)).rejects.toThrow('"none"')
})

test('in five deaths in the middle of reads whoever takes the port hears a nonce and a public name', async () => {
  for (let round = 0; round < 5; round++) {
    const server = await start()
    const tries = Promise.withResolvers<void>()
    const page = await openPage(server, () => tries.promise)
    const { heardAll, bound, child } = await startSquatter(server.port)
    running.push(() => child.kill('SIGKILL'))
    let isOver = false
    const busy = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        await page.client
          .column({ axis: 'obs', key: 'cluster' }, { cellCount: 700 }, page.signal)
          .catch(() => undefined)
        if (page.first.isLive) page.first.send([encodeFrame({ kind: 'state', state: { embedding: 'X_umap' } })])
      }
    })
    server.process.kill('SIGKILL')
    await bound
    await page.first.ended
    expect(() => page.first.send([])).toThrow(ConnectionEnded)
    // One try is allowed; it finds who cannot prove itself, and what waits is told.
    tries.resolve()
    const refused = page.line.again(page.signal)
    await expect(refused).rejects.toThrow('Something else answers')
    isOver = true
    page.line.giveUp(new Error('over'))
    await Promise.all(busy)
    const heard = await heardAll()
    expect(heard.map(({ kind }) => kind)).toEqual(['bound', 'upgrade'])
    expect(textOf(heard)).toMatch(/\/_cellucid\/channel\?viewerId=[0-9a-f]{16}&by=[\w-]{43}&nonce=[\w-]{22}\n/)
    expect(textOf(heard)).not.toMatch(OURS)
    for (const secret of [page.viewerToken, page.link, page.first.pageKey]) expect(textOf(heard)).not.toContain(secret)
  }
})

test('what is asked while the connection is broken is asked again on the next, of the same server', async () => {
  const server = await start()
  const page = await openPage(server, () => Promise.resolve())
  const read = page.client.identity(page.signal)
  // A message that no server of ours sends ends a connection; the server itself lives.
  page.first.send([Uint8Array.of(255, 255, 255, 255, 1)])
  await page.first.ended
  await page.line.again(page.signal)
  expect(await read).toMatchObject({ nObs: 700 })
})

test('a server lives at both addresses of this machine, or at another port', async () => {
  const server = await start()
  const answer = await fetch(`http://[::1]:${server.port}/_cellucid/health`)
  expect(await answer.json()).toMatchObject({ status: 'ok' })
})
