import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { DataError } from '../../../data/data-source.ts'
import { decodeColumn, decodeEmbedding } from '../../../protocol/column-frame.ts'
import { ROUTES } from '../../../protocol/urls.ts'
import { KernelPulse } from '../../../server/viewers/kernel-status.ts'
import { appStage, HOST } from '../../stage/app-stage.ts'
import { makeIds } from '../../stage/start-server.ts'

const CELLS = 200_000

async function dataStage(cellCount = CELLS) {
  const stage = await appStage()
  const viewer = stage.open(undefined, cellCount)
  const { headers: own } = stage.key(viewer)
  const get = (path: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
    stage.app.inject({ method, url: `/${path}`, headers: { ...own, ...headers } })
  return { ...stage, viewer, get, own }
}

const PRIVATE = [
  ROUTES.identity,
  ROUTES.embedding,
  `${ROUTES.obsColumn}?key=cluster`,
  `${ROUTES.varColumn}?in=X&key=CD3D`,
  `${ROUTES.genes}?query=CD`,
  `${ROUTES.cellNames}?start=0&end=10`,
  `${ROUTES.commands}?after=0`,
]

describe('without a page key', () => {
  test.each(PRIVATE)('%s answers 401 with no byte of data, and no route runs', async (path) => {
    const { app, report } = await dataStage(700)
    for (const headers of [{}, { 'x-cellucid-key': 'x'.repeat(43) }, { cookie: 'x-cellucid-key=1' }]) {
      const answer = await app.inject({ url: `/${path}`, headers: { host: HOST, ...headers } })
      expect(answer.statusCode).toBe(401)
      expect(Object.keys(answer.json())).toEqual(['code', 'message'])
    }
    const { requests } = await report.of(null)
    expect(requests.filter(({ route, status }) => route === `/${path.split('?')[0]}` && status === 200)).toEqual([])
  })

  test('info says version and protocol; with one, what runs here', async () => {
    const { app, own } = await dataStage(700)
    const open = (await app.inject({ url: `/${ROUTES.info}`, headers: { host: HOST } })).json()
    expect(Object.keys(open)).toEqual(['version', 'protocol'])
    const all = (await app.inject({ url: `/${ROUTES.info}`, headers: own })).json()
    expect(all).toMatchObject({ viewers: 1, source: { kind: 'kernel', name: 'small', cells: 700, genes: 5 } })
  })
})

describe('a dataset', () => {
  test('is described before any array is read', async () => {
    const { get } = await dataStage()
    const identity = (await get(ROUTES.identity)).json()
    expect(identity).toMatchObject({ name: 'small', nObs: CELLS, nVar: 5, defaultEmbedding: 'X_umap' })
  })

  test('is found by gene names and cell names', async () => {
    const { get } = await dataStage()
    const genes = (await get(`${ROUTES.genes}?query=cd3&limit=5`)).json()
    expect(genes.genes.map(({ key }: { key: string }) => key)).toEqual(['CD3D'])
    expect((await get(`${ROUTES.cellNames}?start=10&end=12`)).json()).toEqual(['cell-10', 'cell-11'])
    expect((await get(`${ROUTES.cellNames}?start=0&end=100000`)).json()).toHaveLength(1_000)
    for (const query of ['start=a&end=2', 'start=-1&end=2', 'start=0', 'start=0&start=1&end=2', 'start=1e3&end=2']) {
      expect((await get(`${ROUTES.cellNames}?${query}`)).statusCode, query).toBe(400)
    }
  })

  test('sends embedding and columns as frames that the page decodes', async () => {
    const { get } = await dataStage()
    const embedding = await get(ROUTES.embedding)
    expect(embedding.headers['content-type']).toBe('application/octet-stream')
    expect(decodeEmbedding(embedding.rawPayload, CELLS)).toMatchObject({
      key: 'X_umap',
      dimensions: 2,
      missingCells: 0,
    })
    const cluster = decodeColumn((await get(`${ROUTES.obsColumn}?key=cluster`)).rawPayload, CELLS)
    expect(cluster).toMatchObject({ kind: 'codes', categories: ['B', 'T', 'NK', 'Mono', 'DC'] })
    expect(decodeColumn((await get(`${ROUTES.varColumn}?in=X&key=CD3D`)).rawPayload, CELLS).kind).toBe('sparse')
    expect(decodeColumn((await get(`${ROUTES.varColumn}?in=X&key=ACTB`)).rawPayload, CELLS).kind).toBe('dense')
  })

  test('names what it does not have', async () => {
    const { get } = await dataStage(700)
    const codes = await Promise.all(
      [`${ROUTES.varColumn}?in=X&key=NOPE`, `${ROUTES.obsColumn}?key=NOPE`, `${ROUTES.embedding}?key=NOPE`].map(
        async (path) => {
          const answer = await get(path)
          return [answer.statusCode, answer.json().code]
        },
      ),
    )
    expect(codes).toEqual([
      [404, 'unknown_column'],
      [404, 'unknown_column'],
      [404, 'unknown_embedding'],
    ])
  })

  test('without a default colour says so by an empty answer', async () => {
    const { get } = await dataStage(700)
    const answer = await get(ROUTES.obsColumn)
    expect([answer.statusCode, answer.rawPayload.length]).toEqual([204, 0])
  })

  test('that could not be opened answers with the sentence it was refused with', async () => {
    const { app, viewers, key } = await dataStage()
    const { viewerId: id, viewerToken: token } = makeIds()
    const source = Promise.reject(new DataError('no_embedding', 'No embedding in obsm. Run sc.tl.umap first.'))
    source.catch(() => undefined)
    const kernel = { notify: async () => undefined }
    const pulse = new KernelPulse(() => undefined)
    viewers.open({ id, token, kernel, source, pulse, state: null, savesPictures: true })
    const { headers } = key({ viewerId: id, viewerToken: token })
    const answer = await app.inject({ url: `/${ROUTES.identity}`, headers })
    expect(answer.statusCode).toBe(422)
    expect(answer.json()).toEqual({ code: 'no_embedding', message: 'No embedding in obsm. Run sc.tl.umap first.' })
  })
})

describe('a column', () => {
  const path = `${ROUTES.varColumn}?in=X&key=ACTB`
  const sum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

  test('comes gzipped when the page asks for it, as bytes and not as an encoding', async () => {
    const { get } = await dataStage()
    const plain = await get(path)
    const packed = await get(`${path}&gzip=1`)
    expect(packed.headers['content-encoding']).toBeUndefined()
    expect(packed.headers['content-type']).toBe('application/gzip')
    expect(packed.headers.etag).not.toBe(plain.headers.etag)
    expect(sum(gunzipSync(packed.rawPayload))).toBe(sum(plain.rawPayload))
    expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length)
  })

  test('asked for by several at once, compressed and not, is read once', async () => {
    const { get, reads } = await dataStage(700)
    const answers = await Promise.all([get(path), get(path), get(`${path}&gzip=1`), get(path, {}, 'HEAD')])
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200])
    expect((await get(path)).rawPayload).toEqual(answers[0]?.rawPayload)
    expect(reads.filter(({ what }) => what === 'var')).toHaveLength(1)
  })

  test('is not sent again to a browser that has it', async () => {
    const { get } = await dataStage()
    const etag = String((await get(path)).headers.etag)
    for (const held of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const answer = await get(path, { 'if-none-match': held })
      expect([answer.statusCode, answer.rawPayload.length, answer.headers.etag]).toEqual([304, 0, etag])
    }
    expect((await get(path, { 'if-none-match': '"other"' })).statusCode).toBe(200)
  })

  test('of one viewer is never taken for that of another, though all share one cache of the browser', async () => {
    const { get, open, key, app } = await dataStage()
    const etag = String((await get(path)).headers.etag)
    const { headers } = key(open(undefined, CELLS))
    const answer = await app.inject({ url: `/${path}`, headers: { ...headers, 'if-none-match': etag } })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers.vary).toContain('X-Cellucid-Key')
  })

  test('comes in parts that join to the whole', async () => {
    const { get } = await dataStage()
    const whole = await get(path)
    const { length } = whole.rawPayload
    const parts: Buffer[] = []
    for (let start = 0; start < length; start += 300_000) {
      const etag = String(whole.headers.etag)
      const part = await get(path, { range: `bytes=${start}-${start + 299_999}`, 'if-range': etag })
      expect(part.statusCode).toBe(206)
      expect(part.headers['content-range']).toBe(`bytes ${start}-${Math.min(start + 300_000, length) - 1}/${length}`)
      expect(part.headers['content-length']).toBe(String(part.rawPayload.length))
      parts.push(part.rawPayload)
    }
    expect(sum(Buffer.concat(parts))).toBe(sum(whole.rawPayload))
  })

  const ranges: [string, number, string | undefined][] = [
    ['bytes=0-0', 206, '0-0'],
    ['bytes=-5', 206, '{n-5}-{n-1}'],
    ['bytes=5-', 206, '5-{n-1}'],
    ['bytes=0-999999999999', 206, '0-{n-1}'],
    ['bytes={n}-', 416, '*'],
    ['bytes={n}-{n}', 416, '*'],
    ['bytes=-0', 416, '*'],
    ['bytes=5-4', 200, undefined],
    ['bytes=0-1,3-4', 200, undefined],
    ['bytes=', 200, undefined],
    ['bytes=-', 200, undefined],
    ['bytes=a-b', 200, undefined],
    ['lines=0-1', 200, undefined],
    ['bytes=0x1-0x2', 200, undefined],
    ['bytes=99999999999999999999-', 200, undefined],
  ]
  test.each(ranges)('asked for as %s', async (range, status, part) => {
    const { get } = await dataStage(700)
    const n = (await get(path)).rawPayload.length
    const fill = (text: string) =>
      text.replaceAll(/\{n(-\d)?\}/g, (_, minus?: string) => String(n + Number(minus ?? 0)))
    const answer = await get(path, { range: fill(range) })
    expect(answer.statusCode).toBe(status)
    expect(answer.headers['content-range']).toBe(part === undefined ? undefined : `bytes ${fill(part)}/${n}`)
  })

  test('that changed since the first part comes whole, never as a part of something else', async () => {
    const { get } = await dataStage(700)
    const answer = await get(path, { range: 'bytes=0-9', 'if-range': '"of-yesterday"' })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-range']).toBeUndefined()
    expect(decodeColumn(answer.rawPayload, 700).kind).toBe('dense')
  })

  test('is measured by HEAD without a byte of it', async () => {
    const { get } = await dataStage(700)
    const { rawPayload, headers } = await get(path)
    const head = await get(path, {}, 'HEAD')
    expect(head.rawPayload.length).toBe(0)
    expect(head.headers['content-length']).toBe(String(rawPayload.length))
    expect(head.headers.etag).toBe(headers.etag)
    expect(head.headers['accept-ranges']).toBe('bytes')
  })

  test('may have any name that fits a query', async () => {
    const { get } = await dataStage(700)
    for (const name of ['ñ/…%2F', '../../etc/passwd', '\0', '🧬', '__proto__', 'constructor']) {
      const answer = await get(`${ROUTES.obsColumn}?key=${encodeURIComponent(name)}`)
      expect([answer.statusCode, answer.json().code], name).toEqual([404, 'unknown_column'])
    }
    for (const query of ['key=a&key=b', 'key=a&gzip=2', 'key=a&gzip=1&gzip=1']) {
      expect((await get(`${ROUTES.obsColumn}?${query}`)).statusCode, query).toBe(400)
    }
  })
})
