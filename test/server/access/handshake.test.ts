import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { CLOSE_CODES, type PageMessage } from '../../../protocol/channel.ts'
import { decodeFrame, encodeFrame } from '../../../protocol/frame.ts'
import {
  derivedKey,
  frameToken,
  type HandshakeFacts,
  linkToken,
  pageProof,
  serverProof,
} from '../../../protocol/handshake.ts'
import { type InstanceId, makeNonce } from '../../../protocol/probe.ts'
import { MARK_HEADER, ROUTES } from '../../../protocol/urls.ts'
import { listen } from '../../../server/process/listen.ts'
import { appStage } from '../../stage/app-stage.ts'
import { type Challenged, challenged } from '../../stage/challenged.ts'
import { makeIds } from '../../stage/start-server.ts'

async function handshakeStage(cellCount = 700) {
  const stage = await appStage()
  const viewer = stage.open(makeIds(), cellCount)
  const port = await listen(stage.app, 0, false)
  const base = `http://127.0.0.1:${port}/`
  const { viewerId, viewerToken, instanceId } = viewer
  const knock = async (secret: string, more: Partial<Parameters<typeof challenged>[0]> = {}) => {
    const found = await challenged({ base, viewerId, secret, ...more })
    onTestFinished(() => found.socket.terminate())
    return found
  }
  return { ...stage, viewer, base, viewerId, viewerToken, knock, link: linkToken(viewerToken, viewerId, instanceId) }
}

/** Say hello. @returns the kinds of what is heard until the end or the welcome, and the close code */
async function enter({ socket }: Challenged, hello: Partial<Extract<PageMessage, { kind: 'hello' }>>) {
  const heard: string[] = []
  const outcome = new Promise<number>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const { kind } = decodeFrame(Uint8Array.from(data)).header
      heard.push(String(kind))
      if (kind === 'welcome') resolve(0)
    })
    socket.once('close', resolve)
  })
  socket.send(encodeFrame({ kind: 'hello', protocol: 1, ...hello }))
  return { code: await outcome, heard }
}

/** One message there, and the answer with this id back. */
async function ask({ socket }: Challenged, path: string, id = 1) {
  const answer = new Promise<ReturnType<typeof decodeFrame>>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const frame = decodeFrame(Uint8Array.from(data))
      if (frame.header.kind === 'answer' && frame.header.id === id) resolve(frame)
    })
  })
  socket.send(encodeFrame({ kind: 'ask', id, method: 'GET', path, headers: {} }))
  const { header, body } = await answer
  return { header: header as { status: number; ticket?: { path: string; mark: string } }, body }
}

test('the server proves itself by what only the two know, before the page has said anything', async () => {
  const { knock, link } = await handshakeStage()
  const found = await knock(link)
  expect(found.isProven).toBe(true)
  expect(await enter(found, { proof: found.proof, isFresh: true })).toMatchObject({ code: 0 })
})

const ELSEWHERE = '00000000000000bb' as InstanceId // as long as one

test.each<[string, (found: Challenged) => string | undefined]>([
  ['no proof', () => undefined],
  ['a proof by another secret', ({ facts }) => pageProof(new Uint8Array(32), facts)],
  ['the server’s own proof sent back', ({ key, facts }) => serverProof(key, facts)],
  ['the two nonces in each other’s place', ({ key, facts }) => pageProof(key, swapped(facts))],
  ['an older nonce of the server', ({ key, facts }) => pageProof(key, { ...facts, serverNonce: makeNonce() })],
  ['another viewer', ({ key, facts }) => pageProof(key, { ...facts, viewerId: makeIds().viewerId })],
  ['another server process', ({ key, facts }) => pageProof(key, { ...facts, instanceId: ELSEWHERE })],
])('a page with %s hears nothing', async (_, proofOf) => {
  const { knock, link, viewer } = await handshakeStage()
  const found = await knock(link)
  const proof = proofOf(found)
  const { code, heard } = await enter(found, { isFresh: true, ...(proof !== undefined && { proof }) })
  expect({ code, heard }).toEqual({ code: CLOSE_CODES.unknownKey, heard: ['ended'] })
  expect(viewer.openPages).toBe(0)
})

function swapped({ pageNonce, serverNonce, ...rest }: HandshakeFacts): HandshakeFacts {
  return { ...rest, pageNonce: serverNonce, serverNonce: pageNonce }
}

test.each([
  ['a token that was made up', () => makeIds().viewerToken as string],
  [
    'the link of a server process before this one',
    (ids: ReturnType<typeof makeIds>) => linkToken(ids.viewerToken, ids.viewerId, ELSEWHERE),
  ],
])('%s is answered with no proof', async (_, secretOf) => {
  const { viewerId, viewerToken, base } = await handshakeStage()
  const secret = secretOf({ viewerId, viewerToken })
  await expect(challenged({ base, viewerId, secret })).rejects.toThrow('"ended"')
})

test('a frame’s token opens one page, whoever holds it', async () => {
  const { knock, viewer, viewerId, viewerToken, base } = await handshakeStage()
  const nonce = makeNonce()
  const secret = frameToken(viewerToken, { viewerId, instanceId: viewer.instanceId, nonce })
  const [first, second] = [await knock(secret, { frame: nonce }), await knock(secret, { frame: nonce })]
  expect((await enter(first, { proof: first.proof, isFresh: true })).code).toBe(0)
  expect((await enter(second, { proof: second.proof, isFresh: true })).code).toBe(CLOSE_CODES.unknownKey)
  await expect(challenged({ base, viewerId, secret, frame: nonce })).rejects.toThrow('"ended"')
})

test('a page comes back by the key that both derived; loaded again it has another, and the one before is told', async () => {
  const { knock, link, viewer } = await handshakeStage()
  const first = await knock(link)
  await enter(first, { proof: first.proof, isFresh: true })
  const key = derivedKey(first.key, first.facts)
  const back = await knock(key)
  expect((await enter(back, { proof: back.proof })).code).toBe(0)
  expect(viewer.pages).toHaveLength(1)
  const again = await knock(key)
  const ended = once(back.socket, 'close')
  expect((await enter(again, { proof: again.proof, isFresh: true })).code).toBe(0)
  expect((await ended)[0]).toBe(CLOSE_CODES.unknownKey)
  await expect(challenged({ ...urlOf(again), secret: key })).rejects.toThrow('"ended"')
  expect((await knock(derivedKey(again.key, again.facts))).isProven).toBe(true)
})

function urlOf({ socket, facts }: Challenged) {
  return { base: new URL('/', socket.url).href.replace(/^ws/, 'http'), viewerId: facts.viewerId }
}

test('small answers come on the socket; a large one by a ticket, marked, that ends after its page', async () => {
  const { knock, link, base, viewers, viewer } = await handshakeStage(20_000)
  const page = await knock(link)
  await enter(page, { proof: page.proof, isFresh: true })
  const identity = await ask(page, ROUTES.identity)
  expect(JSON.parse(Buffer.from(identity.body).toString())).toMatchObject({ nObs: 20_000 })
  const { header } = await ask(page, ROUTES.embedding, 2)
  const { path, mark } = header.ticket ?? { path: 'none', mark: '' }
  const fetched = await fetch(`${base}${path}`, { headers: { range: 'bytes=0-99' } })
  expect([fetched.status, fetched.headers.get(MARK_HEADER)]).toEqual([206, mark])
  expect((await fetch(`${base}${path.slice(0, -1)}_`)).status).toBe(401)
  await viewers.close(viewer.id, 'The test ends it.')
  expect((await fetch(`${base}${path}`)).status).toBe(401)
})
