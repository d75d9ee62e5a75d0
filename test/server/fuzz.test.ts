import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isErrorCode } from '../../protocol/errors.ts'
import { encodeFrame, joinFrames } from '../../protocol/frame.ts'
import { KEY_HEADER, ROUTES } from '../../protocol/urls.ts'
import { listen } from '../../server/process/listen.ts'
import { appStage } from '../stage/app-stage.ts'
import { SocketPage } from '../stage/page-end.ts'

const SEED = 20_260_101

/** A listening server with one viewer and an honest page that looks, after each test, whether all is well. */
async function fuzzStage() {
  const stage = await appStage()
  const viewer = stage.open()
  const port = await listen(stage.app, 0, false)
  const base = `http://127.0.0.1:${port}/`
  const facts = () => ({ base, viewerId: viewer.id, pageKey: stage.key(viewer).key })
  return {
    ...stage,
    viewer,
    port,
    base,
    facts,
    async expectWell() {
      const headers = { [KEY_HEADER]: stage.key(viewer).key }
      expect((await fetch(`${base}${ROUTES.identity}`, { headers })).status).toBe(200)
      const page = new SocketPage(facts())
      page.hello()
      await page.hear('welcome')
      page.close()
      expect(stage.log.lines.filter(({ level }) => level === 'error')).toEqual([])
    },
  }
}

const anyJson = fc.jsonValue({ maxDepth: 2 })
const pageMessage = fc.oneof(
  anyJson,
  fc.record({
    kind: fc.constantFrom('hello', 'ack', 'event', 'state', 'cellSet', 'touched', 'pong', 'x'),
    seq: anyJson,
    ok: anyJson,
    id: anyJson,
    event: anyJson,
    state: anyJson,
    name: anyJson,
    cells: anyJson,
  }),
  fc.record({
    kind: fc.constant('cellSet'),
    name: fc.string(),
    cells: fc.record({ encoding: fc.constantFrom('u32', 'bitmap'), count: fc.integer(), cellCount: fc.integer() }),
  }),
  fc.record({
    kind: fc.constant('cellSet'),
    name: fc.constant('a'),
    cells: fc.constant({ encoding: 'u32', count: 1, cellCount: 700 }),
    body: fc.record({
      stream: fc.integer({ min: -1, max: 2 }),
      length: fc.constantFrom(0, 1, 4, 2 ** 20, 2 ** 28, 2 ** 40),
    }),
  }),
  fc.record({ stream: fc.integer({ min: -1, max: 2 }), offset: fc.integer({ min: -1, max: 8 }) }),
)
const frame = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(pageMessage, fc.uint8Array({ maxLength: 16 })).map(([header, body]) => encodeFrame(Object(header), body)),
)

test('300 seeded posts of events: 200 or an error of the closed list', async () => {
  const { facts, expectWell, app } = await fuzzStage()
  const { pageKey } = facts()
  let sequence = 1
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.array(frame).map(joinFrames)), async (payload) => {
      const answer = await app.inject({
        method: 'POST',
        url: `/${ROUTES.events}?sequence=${sequence}`,
        headers: { host: '127.0.0.1', [KEY_HEADER]: pageKey, 'content-type': 'application/octet-stream' },
        payload: Buffer.from(payload),
      })
      if (answer.statusCode === 200) sequence++
      else expect([400, 413].includes(answer.statusCode) && isErrorCode(answer.json().code), answer.body).toBe(true)
      if (answer.json().message?.includes('came after') === true) sequence++
    }),
    { numRuns: 300, seed: SEED },
  )
  await expectWell()
}, 120_000)

test('1000 seeded queries of data routes: never 5xx, and nothing of them comes back', async () => {
  const { app, key, viewer, expectWell } = await fuzzStage()
  const { headers } = key(viewer)
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('0', '-1', '1e9', 'NaN', '', '__proto__', 'cluster', 'CD3D'),
  )
  const query = fc.dictionary(
    fc.constantFrom('key', 'in', 'layer', 'gzip', 'dimensions', 'query', 'limit', 'start', 'end', 'after'),
    value,
  )
  const path = fc.constantFrom(ROUTES.obsColumn, ROUTES.varColumn, ROUTES.embedding, ROUTES.genes, ROUTES.cellNames)
  await fc.assert(
    fc.asyncProperty(path, query, async (route, parameters) => {
      const url = `/${route}?${new URLSearchParams(parameters)}`
      const answer = await app.inject({ url, headers })
      expect(answer.statusCode, `${url} ${answer.body.slice(0, 300)}`).toBeLessThan(500)
      if (answer.statusCode >= 400) expect(isErrorCode(answer.json().code)).toBe(true)
    }),
    { numRuns: 1_000, seed: SEED },
  )
  await expectWell()
}, 120_000)
