import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { HostedUis } from '../../../server/hosted-ui/hosted-uis.ts'
import { listen } from '../../../server/process/listen.ts'
import { appStage, HOST } from '../../stage/app-stage.ts'
import { filesOf, type HostedSite, hostedSite } from '../../stage/hosted-site.ts'
import { requestRaw, UPGRADE } from '../../stage/raw-http.ts'
import { makeIds } from '../../stage/start-server.ts'

async function stage(upstream: HostedSite, { isOffline = false, place = makePlace() } = {}) {
  const base = await appStage()
  const hosted = new HostedUis({ place, isOffline, log: base.log })
  onTestFinished(() => hosted.close())
  const viewer = base.open(makeIds(), 700, await hosted.of(upstream.url))
  const { headers } = base.key(viewer)
  const { app } = base
  const ask = async (body?: object) => {
    const url = '/_cellucid/hosted'
    const answer = await app.inject(body === undefined ? { url, headers } : { url, headers, method: 'POST', body })
    return answer.json()
  }
  const untilReady = async () => {
    await expect.poll(async () => (await ask()).state.status).toBe('ready')
    return await ask()
  }
  const folder = `/_cellucid/u/${viewer.hosted?.capability}`
  const get = (path: string, more: Record<string, string> = {}) =>
    app.inject({ url: `${folder}/${path}`, headers: { host: HOST, ...more } })
  const post = (path: string, body: object | Buffer, more: Record<string, string> = {}) =>
    app.inject({ url: `${folder}/${path}`, method: 'POST', body, headers: { host: HOST, ...more } })
  return { ...base, viewer, hosted, ask, untilReady, get, post, place, folder }
}

function makePlace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cellucid-test-hosted-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'hosted')
}

test('the shell is shown for a viewer of the hosted UI, and the hosted page below a key of its own', async () => {
  const { app, viewer, untilReady, get, folder } = await stage(await hostedSite('one'))
  const { url, viewerToken } = await untilReady()
  const query = `jupyter=true&viewerId=${viewer.id}&viewerToken=${viewerToken}&anndata=true`
  expect(`/${url}`).toBe(`${folder}/?${query}`)
  expect(viewerToken).not.toBe(viewer.viewerToken)
  const shell = await app.inject({ url: `/?jupyter=true&viewerId=${viewer.id}`, headers: { host: HOST } })
  expect(shell.headers['content-security-policy']).toContain("frame-src 'self'")
  const page = await get('')
  expect(page.statusCode).toBe(200)
  expect(page.rawPayload).toEqual(filesOf('one').get('/index.html'))
  const policy = String(page.headers['content-security-policy'])
  expect(policy).not.toContain('unsafe-inline')
  expect(policy).toMatch(/; frame-ancestors 'self' http:\/\/localhost:\* http:\/\/127\.0\.0\.1:\*$/)
  expect(policy).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';")
  const script = await get('assets/app-one.js')
  expect(script.headers['content-type']).toBe('text/javascript')
  expect(script.rawPayload).toEqual(filesOf('one').get('/assets/app-one.js'))
  const held = await get('assets/app-one.js', { 'if-none-match': String(script.headers.etag) })
  expect(held.statusCode).toBe(304)
})

test('health, info, datasets and the folder of the dataset have exactly the form that cellucid has', async () => {
  const { get, viewer } = await stage(await hostedSite('one'))
  const health = { status: 'ok', type: 'anndata', version: expect.any(String), format: 'in-memory', is_backed: false }
  expect((await get('_cellucid/health')).json()).toEqual({ ...health, n_cells: 700, n_genes: 5 })
  expect((await get('_cellucid/info')).json()).toMatchObject({ n_cells: 700, n_genes: 5 })
  const { name } = await (await viewer.source).identity(new AbortController().signal)
  expect((await get('_cellucid/datasets')).json()).toEqual({ datasets: [{ id: name, path: '/', name }] })
  const identity = (await get('dataset_identity.json')).json()
  expect(identity).toMatchObject({ version: 2, stats: { n_cells: 700, n_genes: 5, has_connectivity: false } })
  expect(identity.embeddings).toEqual({
    available_dimensions: [2],
    default_dimension: 2,
    files: { '2d': 'points_2d.bin' },
  })
  expect((await get('points_2d.bin')).rawPayload).toHaveLength(700 * 2 * 4)
  const obs = (await get('obs_manifest.json')).json()
  expect(obs._format).toBe('compact_v1')
  const [cluster] = obs._categoricalFields
  expect(cluster.slice(0, 4)).toEqual(['cluster', ['B', 'T', 'NK', 'Mono', 'DC'], 'uint8', 255])
  expect(cluster[4]['2']).toHaveLength(5)
  expect(cluster[4]['2'][0]).toEqual({
    category: 'B',
    position: [expect.any(Number), expect.any(Number)],
    n_points: 133, // of 140, without the outermost ones
  })
  expect([...(await get('obs/cluster.codes.u8')).rawPayload.subarray(0, 6)]).toEqual([0, 1, 2, 3, 4, 0])
  expect((await get('obs/score.values.f32')).rawPayload).toHaveLength(700 * 4)
  expect((await get('var_manifest.json')).json().fields).toEqual([['CD3D'], ['MS4A1'], ['NKG7'], ['LYZ'], ['ACTB']])
  const gene = (await get('var/MS4A1.values.f32')).rawPayload
  expect(new Float32Array(Uint8Array.from(gene).buffer)[10]).toBe(11)
  for (const none of [
    'connectivity_manifest.json',
    'points_3d.bin',
    'var/none.values.f32',
    'obs/score.codes.u8',
    'x',
  ]) {
    expect([none, (await get(none)).statusCode]).toEqual([none, 404])
  }
})

test('events of the hosted page reach the kernel as those of the embedded one do', async () => {
  const { post, viewer, said } = await stage(await hostedSite('one'))
  const events = () => said.flatMap((each) => (each.method === 'viewer.event' ? [each.params.event] : []))
  const tell = (event: object) => post('_cellucid/events', { viewerId: viewer.id, ...event })
  expect((await tell({ type: 'ready', n_cells: 700, dimensions: 2 })).json()).toEqual({ status: 'ok', delivered: true })
  await tell({ type: 'selection', cells: [7, 3, 7], source: 'lasso' })
  await tell({ type: 'hover', cell: 4, position: { x: 0, y: 1, z: 2 } })
  await tell({ type: 'click', cell: 5, button: 0, shift: false, ctrl: true })
  await tell({ type: 'pong', requestId: 'r1', t: 5 })
  await tell({ type: 'command_error', command: 'highlight', reason: 'no such cell' })
  expect(events()).toEqual([
    { kind: 'ready', nCells: 700, dimensions: 2 },
    { kind: 'selection', cells: { encoding: 'u32', count: 2, cellCount: 700 }, source: 'lasso' },
    { kind: 'hover', cell: 4, position: [0, 1, 2] },
    { kind: 'click', cell: 5, button: 0, shift: false, ctrl: true },
    { kind: 'pong', requestId: 'r1' },
    { kind: 'custom', type: 'command_error', payload: { command: 'highlight', reason: 'no such cell' } },
  ])
  const selection = said.find(({ method, body }) => method === 'viewer.event' && body.length > 0)
  expect([...(selection?.body ?? [])]).toEqual([3, 0, 0, 0, 7, 0, 0, 0])
  for (const wrong of [
    { type: 'ready', n_cells: 700, dimensions: 2, viewerId: '0000000000000000' },
    { type: 'selection', cells: [700], source: 'lasso' },
    { type: 'selection', cells: ['1'], source: 'lasso' },
    { viewerId: viewer.id, type: 5 },
  ]) {
    expect((await tell(wrong)).statusCode).toBe(400)
  }
  expect(events()).toHaveLength(6)
})

test('a session that the kernel asked for is kept in a file of this user’s alone, and goes with the viewer', async () => {
  const { post, viewer, viewers, said } = await stage(await hostedSite('one'))
  const where = `_cellucid/session_bundle?viewerId=${viewer.id}&requestId=ask1`
  const session = Buffer.from('CELLUCID_SESSION\nand so on')
  expect((await post(where, session)).statusCode).toBe(404)
  await viewer.addCommand(1, { kind: 'requestSessionBundle', requestId: 'ask1' }, new Uint8Array())
  expect((await post(where, session)).json()).toEqual({ status: 'ok', bytes: session.length })
  const event = said.flatMap((each) => (each.method === 'viewer.event' ? [each.params.event] : []))[0]
  if (event?.kind !== 'sessionBundle' || event.path === undefined) throw new Error('No session came.')
  expect(readFileSync(event.path)).toEqual(session)
  expect(statSync(event.path).mode & 0o777).toBe(0o600)
  expect((await post(where, session)).statusCode).toBe(404)
  await viewer.addCommand(2, { kind: 'requestSessionBundle', requestId: 'ask1' }, new Uint8Array())
  expect((await post(where, Buffer.from('something else, and long'))).statusCode).toBe(400)
  await viewers.close(viewer.id, 'The test is over.')
  expect(existsSync(event.path)).toBe(false)
})

test('the key in the path opens reads, events and sessions of its viewer until that ends, and nothing else', async () => {
  const { app, get, post, untilReady, viewer, viewers, folder, open } = await stage(await hostedSite('one'))
  await untilReady()
  const capability = viewer.hosted?.capability ?? ''
  for (const [method, path] of [
    ['POST', 'dataset_identity.json'],
    ['PUT', '_cellucid/events'],
    ['GET', '_cellucid/events'],
    ['POST', '_cellucid/key'],
  ] as const) {
    const answer = await app.inject({ method, url: `${folder}/${path}`, headers: { host: HOST } })
    expect([method, path, answer.statusCode]).toEqual([method, path, 405])
  }
  for (const path of ['_cellucid/identity', '_cellucid/embedding', '_cellucid/commands', '_cellucid/hosted']) {
    expect([path, (await get(path)).statusCode]).toEqual([path, 404])
    const byHeader = await app.inject({ url: `/${path}`, headers: { host: HOST, 'x-cellucid-key': capability } })
    expect([path, byHeader.statusCode]).toEqual([path, 401])
  }
  const embedded = open()
  expect(embedded.hosted).toBe(null)
  const other = folder.replace(capability, 'a'.repeat(43))
  expect((await app.inject({ url: `${other}/dataset_identity.json`, headers: { host: HOST } })).statusCode).toBe(401)
  const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
  expect((await get('dataset_identity.json', foreign)).statusCode).toBe(403)
  const evil = { origin: 'https://evil.example', viewerId: viewer.id }
  expect((await post('_cellucid/events', { type: 'ready' }, { origin: evil.origin })).statusCode).toBe(403)
  await viewers.close(viewer.id, 'The test is over.')
  for (const path of ['', 'dataset_identity.json', 'assets/app-one.js']) {
    expect([path, (await get(path)).statusCode]).toEqual([path, 401])
  }
})

test('the key in the path is taken neither as an upgrade nor by a viewer that has ended', async () => {
  const { app, viewer, viewers, folder, untilReady } = await stage(await hostedSite('one'))
  await untilReady()
  const port = await listen(app, 0, false)
  const headers = [['Host', `127.0.0.1:${port}`]] as const
  const ask = async (path: string, isUpgrade: boolean) => {
    const target = `${folder}/${path}`
    return (await requestRaw(port, { target, headers: isUpgrade ? [...headers, ...UPGRADE] : headers })).status
  }
  for (const path of ['', 'index.html', 'assets/app-one.js', 'dataset_identity.json', '_cellucid/health']) {
    expect([path, await ask(path, false), await ask(path, true)]).toEqual([path, 200, 400])
  }
  expect(await ask('_cellucid/channel', true)).toBe(400)
  await viewers.close(viewer.id, 'The test is over.')
  expect([await ask('', false), await ask('', true)]).toEqual([401, 401])
})

test('a cache folder that is a link is refused with a sentence in the frame, and the data is there all the same', async () => {
  const place = makePlace()
  symlinkSync(dirname(place), place)
  const { ask, get } = await stage(await hostedSite('one'), { place })
  expect((await ask()).state).toMatchObject({
    status: 'unavailable',
    lastError: `The cache folder ${place} is a symbolic link, which is not followed. Let CELLUCID_WEB_PROXY_CACHE_DIR name a folder that is yours alone.`,
  })
  expect((await get('points_2d.bin')).statusCode).toBe(200)
})

test('without network and cache the state says why, the data is there all the same, and the embedded page is a click away', async () => {
  const upstream = await hostedSite('one', 'gone')
  const { app, ask, get, viewer, place } = await stage(upstream)
  await expect.poll(async () => (await ask()).state.lastError).toMatch(/broke the connection/)
  const { state } = await ask()
  expect(state).toMatchObject({ status: 'unavailable', source: upstream.url, place, build: null, files: 0 })
  expect((await get('')).statusCode).toBe(404)
  expect((await get('points_2d.bin')).statusCode).toBe(200)
  await ask({ kind: 'useEmbedded' })
  const page = await app.inject({ url: `/?jupyter=true&viewerId=${viewer.id}`, headers: { host: HOST } })
  expect(page.headers['content-security-policy']).not.toContain('frame-src')
})

test('with a whole build on disk the site is never asked, neither where the network is forbidden nor where it is gone', async () => {
  const upstream = await hostedSite('one')
  const place = makePlace()
  await (await stage(upstream, { place })).untilReady()
  upstream.mode = 'gone'
  upstream.requests.length = 0
  for (const isOffline of [true, false]) {
    const { ask, get } = await stage(upstream, { place, isOffline })
    expect((await ask()).state).toMatchObject({ status: 'ready', build: 'one', isOffline })
    expect((await get('')).rawPayload).toEqual(filesOf('one').get('/index.html'))
  }
  expect(upstream.requests).toEqual([])
})

test('once a day the site is asked behind the page’s back; its new build is for the next page, and the open one keeps its files', async () => {
  const upstream = await hostedSite('one')
  const place = makePlace()
  await (await stage(upstream, { place })).untilReady()
  upstream.requests.length = 0
  expect((await (await stage(upstream, { place })).ask()).state.build).toBe('one')
  expect(upstream.requests).toEqual([])

  const [checked = ''] = readdirSync(place).filter((name) => name.startsWith('checked-'))
  const longAgo = new Date(Date.now() - 25 * 60 * 60_000)
  utimesSync(join(place, checked), longAgo, longAgo)
  upstream.build = 'two'
  const { ask, get } = await stage(upstream, { place })
  expect((await ask()).state).toMatchObject({ status: 'ready', build: 'one' })
  expect((await get('')).rawPayload).toEqual(filesOf('one').get('/index.html'))
  await expect.poll(async () => (await ask()).state.build).toBe('two')
  upstream.mode = 'gone'
  upstream.requests.length = 0
  for (const path of ['assets/paint-one.js', 'assets/app-two.js', '']) {
    expect([path, (await get(path)).statusCode]).toEqual([path, 200])
  }
  expect((await get('')).rawPayload).toEqual(filesOf('two').get('/index.html'))
  expect(upstream.requests).toEqual([])
})

test('where the network is forbidden nothing is fetched, also when the user asks for it', async () => {
  const upstream = await hostedSite('one')
  const { ask, hosted } = await stage(upstream, { isOffline: true })
  expect((await ask({ kind: 'retry' })).state.status).not.toBe('ready')
  await expect((await hosted.of(upstream.url)).ensure(true)).rejects.toThrow(/CELLUCID_OFFLINE forbids/)
  expect(upstream.requests).toEqual([])
})

test('a failure is not tried again by itself for a minute, and at once when the user asks', async () => {
  const upstream = await hostedSite('one', 'html for a script')
  const { ask } = await stage(upstream)
  await expect.poll(async () => (await ask()).state.lastError).toMatch(/another page answered/)
  upstream.mode = 'healthy'
  upstream.requests.length = 0
  expect((await ask()).state.status).toBe('unavailable')
  expect(upstream.requests).toEqual([])
  await ask({ kind: 'retry' })
  await expect.poll(async () => (await ask()).state.status).toBe('ready')
})
