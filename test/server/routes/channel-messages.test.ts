import { expect, onTestFinished, test } from 'vitest'
import { CLOSE_CODES } from '../../../protocol/channel.ts'
import { ROUTES } from '../../../protocol/urls.ts'
import { listen } from '../../../server/process/listen.ts'
import { frameOf } from '../../fuzz/hostile.ts'
import { appStage } from '../../stage/app-stage.ts'
import { SocketPage } from '../../stage/page-end.ts'
import { requestRaw, UPGRADE } from '../../stage/raw-http.ts'
import { STAND_IN_PAGE, startServer, tradeToken } from '../../stage/start-server.ts'

async function pageStage() {
  const stage = await appStage()
  const viewer = stage.open()
  const port = await listen(stage.app, 0, false)
  const connect = async () => {
    const facts = { base: `http://127.0.0.1:${port}/`, viewerId: viewer.id, pageKey: stage.key(viewer).key }
    const page = new SocketPage(facts)
    onTestFinished(() => page.close())
    page.hello()
    await page.hear('welcome')
    return page
  }
  return { ...stage, viewer, port, connect, page: await connect() }
}

const say = (page: SocketPage, text: string) => page.socket.send(frameOf(text, new Uint8Array()))
const list = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

// Each of these ended the process once, by an error outside of any promise.
test.each([
  ['a kind that nests deep', `{"kind":${list(100_000)}}`],
  ['a state that nests deep', `{"kind":"state","state":{"more":${list(100_000)}}}`],
  ['a number that JSON cannot write', '{"kind":"state","state":{"dimensions":1e400}}'],
])('%s ends its page’s socket as a broken frame, and no other', async (_, text) => {
  const { page, connect, viewer } = await pageStage()
  const other = await connect()
  say(page, text)
  expect(await page.closed).toBe(CLOSE_CODES.protocolError)
  say(other, '{"kind":"state","state":{"dimensions":2}}')
  await expect.poll(() => viewer.state.page).toEqual({ dimensions: 2 })
})

test('a kind that cannot be made a text is refused, and the page goes on', async () => {
  const { page, viewer } = await pageStage()
  say(page, '{"kind":{"toString":1,"valueOf":1}}')
  const { reason } = await page.hear('refused')
  expect(reason).toContain('message without a kind')
  say(page, '{"kind":"state","state":{"dimensions":2}}')
  await expect.poll(() => viewer.state.page).toEqual({ dimensions: 2 })
})

test.each(['\\', '\\:99999999', '\\\\[', '/', ' ', 'é'])(
  'a page that asks for the path %j is answered 400',
  async (path) => {
    const { page } = await pageStage()
    say(page, JSON.stringify({ kind: 'ask', id: 1, method: 'GET', path, headers: {} }))
    type Answer = { kind: string; status: number }
    await expect.poll(() => (page.heard as unknown as Answer[]).find(({ kind }) => kind === 'answer')?.status).toBe(400)
  },
)

test('an upgrade whose key is none is refused in our words, with our headers', async () => {
  const { port } = await pageStage()
  const headers = [['Host', '127.0.0.1'], ...UPGRADE, ['Sec-WebSocket-Key', 'short']] as const
  const answer = await requestRaw(port, { target: `/${ROUTES.channel}`, headers })
  expect({ status: answer.status, code: JSON.parse(answer.body).code }).toEqual({ status: 400, code: 'bad_request' })
})

test('an event that grows too large on its way to the kernel is named in the report, and the page goes on', async () => {
  const server = await startServer({ page: STAND_IN_PAGE })
  onTestFinished(() => void server.stop())
  const viewer = await server.openViewer()
  const pageKey = await tradeToken(server.base, viewer)
  const page = new SocketPage({ base: server.base, viewerId: viewer.viewerId, pageKey })
  onTestFinished(() => page.close())
  page.hello()
  await page.hear('welcome')
  // 21 characters where there were 4.
  const payload = `[${Array(200_000).fill('1e20').join(',')}]`
  say(page, `{"kind":"event","id":"a","event":{"kind":"custom","type":"t","payload":${payload}}}`)
  say(page, '{"kind":"event","id":"b","event":{"kind":"custom","type":"t","payload":1}}')
  await server.kernel.hear('viewer.event', ({ id }) => id === 'b')
  const { result } = await server.kernel.call('report', { viewerId: viewer.viewerId })
  expect(JSON.stringify(result)).toContain('The kernel was not told: ProtocolError: A frame of')
  expect(server.log()).not.toContain('"level":"error","message":"A message')
})
