// `npm run bench:transport`: how long until the page arrives, by each transport, and what the tunnel costs over plain
// comm messages. In a real JupyterLab and a real Chromium; ours and peer take turns, and the medians are compared.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext } from 'playwright-core'
import { TUNNEL_LIMITS } from '../../protocol/comm.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { launchBrowser } from '../../test/stage/lab-stage.ts'
import { ROOT } from '../command.mjs'
import { type Lab, startLab } from '../jupyter-lab.mjs'
import { median, publish, type Row, row } from './rows.ts'
import { benchCells, CELLS } from './transport/cells.ts'
import { type Front, startFront, type Way } from './transport/front.ts'
import { BenchNotebook, observe, type Shown } from './transport/notebook.ts'
import { type Load, plainFrameMs, plainMs, plainPageMs, tunnelMs } from './transport/plain.ts'
import { RANGE_BYTES, requestMs, startTwoWays, type TwoWays } from './transport/two-ways.ts'

const { values: flags } = parseArgs({ options: { small: { type: 'boolean', default: false } } })

const SIZES = flags.small
  ? { firstByteRounds: 3, cells: 500_000, tunnelRounds: 3, smallRequests: 20, requests: 20 }
  : { firstByteRounds: 7, cells: 2_000_000, tunnelRounds: 7, smallRequests: 50, requests: 50 }

const SHOW_ATTEMPTS = 4

const PART_BYTES = TUNNEL_LIMITS.partBytes

/** As many parts of one body as the page asks for at once. */
const PARTS_AT_ONCE = 6

/**
 * The notebook server's own base holds the words at which the ladder cuts a path, so that a page which does not tell its
 * base makes three candidates above the real ones.
 */
const BASE = '/lab/tree/doc/'
/** What a code-server would announce: a fourth. */
const ANNOUNCED = '/announced/'
const WRONG_PROXIES = /^\/(?:lab\/|lab\/tree\/)?proxy\/|^\/announced\//

/** Under this name the page is not on loopback and has no proxy, so that nothing but the tunnel is left. */
const FAR_NAME = 'bench.example.test'

const SUBJECTS = {
  first: 'render to first byte, proven on the first try',
  last: 'render to first byte, proven last beside four hanging candidates',
  tunnel: 'render to first byte, tunnel',
  smallByExtension: 'small answer, by our extension of the notebook server beside jupyter-server-proxy',
  rangeByExtension: '8 MiB range, the same',
  throughput: 'tunnel throughput, time for the same parts',
  roundTrip: 'small request over the tunnel, round trip',
  throughputAsText: 'tunnel throughput, bodies as text as behind a gateway, beside buffers',
  roundTripAsText: 'small request over the tunnel, bodies as text as behind a gateway, beside buffers',
  size: 'widget bundle, gzipped',
} as const

type Stage = { context: BrowserContext; lab: Lab; front: Front; twoWays: TwoWays }

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const ownFolder = mkdtempSync(join(tmpdir(), 'lab-'))
  const lab = await startLab({
    folder,
    ownFolder,
    baseUrl: BASE,
    autosave: false,
    labArguments: [`--ServerApp.local_hostnames=['localhost', '${FAR_NAME}']`],
    logFile: join(ROOT, 'dist/bench/jupyter.log'),
  })
  let front: Front | null = null
  let browser: Browser | null = null
  let twoWays: TwoWays | null = null
  try {
    twoWays = await startTwoWays(join(ownFolder, 'runtime'))
    front = await startFront(Number(new URL(lab.url).port), wayOf)
    browser = await launchBrowser([`--host-resolver-rules=MAP ${FAR_NAME} 127.0.0.1`])
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
    await context.addInitScript(observe)
    publish(await measure({ context, lab, front, twoWays }), join(ROOT, 'dist/bench/transport.json'), {
      [SUBJECTS.smallByExtension]: 0.5,
      [SUBJECTS.rangeByExtension]: 0.5,
      [SUBJECTS.throughput]: 1.25,
      [SUBJECTS.roundTrip]: 1.5,
    })
  } finally {
    await browser?.close()
    await front?.stop()
    twoWays?.stop()
    await lab.stop()
    for (const made of [folder, ownFolder]) rmSync(made, { recursive: true, force: true })
  }
}

function wayOf(host: string, path: string): Way {
  if (path.includes('/cellucid/')) return 'absent'
  if (WRONG_PROXIES.test(path)) return 'hang'
  return host.startsWith(FAR_NAME) && path.includes('/proxy/') ? 'absent' : 'pass'
}

async function measure(stage: Stage): Promise<Row[]> {
  const rows: Row[] = []
  for (const part of [byExtension, provenFirst, provenLast, throughTunnel]) rows.push(...(await part(stage)))
  return [...rows, widgetSize()]
}

/** A page of JupyterLab asks one plain server, by our extension and by jupyter-server-proxy. */
async function byExtension({ context, lab, twoWays }: Stage): Promise<Row[]> {
  const page = await context.newPage()
  await page.goto(`${lab.url}lab?token=${lab.token}`)
  const rows: Row[] = []
  for (const [operation, path, bytes] of [
    [SUBJECTS.smallByExtension, 'small', null],
    [SUBJECTS.rangeByExtension, 'large', RANGE_BYTES],
  ] as const) {
    const times = { ours: [] as number[], peer: [] as number[] }
    for (let round = 0; round < SIZES.requests; round++) {
      times.ours.push(await requestMs(page, `${lab.url}${twoWays.byExtension}${path}`, bytes))
      times.peer.push(await requestMs(page, `${lab.url}${twoWays.byProxy}${path}`, bytes))
    }
    rows.push(row(operation, 'ms', { ours: median(times.ours), peer: median(times.peer) }))
  }
  await page.close()
  return rows
}

/** JupyterLab with our extension; the peer is a frame that is sent straight to the same address. */
async function provenFirst({ context, lab }: Stage): Promise<Row[]> {
  const notebook = await BenchNotebook.open(context, lab, { url: lab.url, cells: benchCells(1_000, null) })
  await notebook.run(CELLS.prepare)
  return [await firstBytes(SUBJECTS.first, notebook, 'server-extension')]
}

/** The page tells no base, and all that it could mean hangs; direct, ranked below, is the server. */
async function provenLast({ context, lab, front }: Stage): Promise<Row[]> {
  const origin = `http://127.0.0.1:${front.port}`
  const cells = benchCells(1_000, `${origin}${ANNOUNCED}{{port}}/`)
  const notebook = await BenchNotebook.open(context, lab, { url: `${origin}${BASE}`, cells })
  await notebook.page.evaluate(() => document.getElementById('jupyter-config-data')?.remove())
  await notebook.run(CELLS.prepare)
  return [await firstBytes(SUBJECTS.last, notebook, 'direct')]
}

async function firstBytes(operation: string, notebook: BenchNotebook, transport: string): Promise<Row> {
  await shownBy(transport, notebook, CELLS.showFew) // The first starts the server.
  const ours: number[] = []
  const peer: number[] = []
  for (let round = 0; round < SIZES.firstByteRounds; round++) {
    const shown = await shownBy(transport, notebook, CELLS.showFew)
    ours.push(shown.firstByteMs)
    peer.push(await plainFrameMs(notebook.page, shown.frame.url()))
  }
  return row(operation, 'ms', { ours: median(ours), peer: median(peer) })
}

/** A notebook without a proxy, whose page is not on loopback; the peer is an anywidget that sends the same bytes. */
async function throughTunnel({ context, lab, front }: Stage): Promise<Row[]> {
  const url = `http://${FAR_NAME}:${front.port}${BASE}`
  const notebook = await BenchNotebook.open(context, lab, { url, cells: benchCells(SIZES.cells, null) })
  await notebook.run(CELLS.prepare)
  const ours: number[] = []
  const peer: number[] = []
  for (let round = 0; round < SIZES.firstByteRounds; round++) {
    ours.push((await shownBy('tunnel', notebook, CELLS.showFew)).firstByteMs)
    peer.push(await plainPageMs(notebook.page, 'html'))
  }
  const first = row(SUBJECTS.tunnel, 'ms', { ours: median(ours), peer: median(peer) })
  const asBuffers = { throughput: SUBJECTS.throughput, roundTrip: SUBJECTS.roundTrip, partBytes: PART_BYTES }
  const asText = {
    throughput: SUBJECTS.throughputAsText,
    roundTrip: SUBJECTS.roundTripAsText,
    partBytes: TUNNEL_LIMITS.textPartBytes,
  }
  return [
    first,
    ...(await tunnelLoads(notebook, await observedFrame(notebook, CELLS.showMany), asBuffers)),
    // Last: the kernel believes from here on that it stands behind a gateway.
    ...(await tunnelLoads(notebook, await observedFrame(notebook, CELLS.showAsText), asText)),
  ]
}

/** In a frame of its own process the browser may run its driver's script only after the page's own: then once more. */
async function observedFrame(notebook: BenchNotebook, place: number): Promise<Shown['frame']> {
  for (let attempt = 0; attempt < SHOW_ATTEMPTS; attempt++) {
    const { frame } = await shownBy('tunnel', notebook, place)
    if (await frame.evaluate(() => globalThis.pagePort !== undefined && globalThis.pageKey !== undefined)) return frame
  }
  throw new Error('The page took its port before anyone saw it, so nothing was measured')
}

type Carriage = { throughput: string; roundTrip: string; partBytes: number }

async function tunnelLoads({ page }: BenchNotebook, frame: Shown['frame'], carriage: Carriage): Promise<Row[]> {
  const bytes = SIZES.cells * 2 * Float32Array.BYTES_PER_ELEMENT
  const body: Omit<Load, 'name'> = { parts: partsOf(bytes, carriage.partBytes), inFlight: PARTS_AT_ONCE }
  const plainBody = { ...body, parts: partsOf(bytes, PART_BYTES) }
  const small: Omit<Load, 'name'> = {
    parts: Array.from({ length: SIZES.smallRequests }, () => [0, 100]),
    inFlight: 1,
  }
  const times = { body: [] as number[], plainBody: [] as number[], small: [] as number[], plainSmall: [] as number[] }
  for (let round = -1; round < SIZES.tunnelRounds; round++) {
    const all = {
      body: await tunnelMs(frame, { ...body, name: ROUTES.embedding }),
      plainBody: await plainMs(page, { ...plainBody, name: 'positions' }),
      small: (await tunnelMs(frame, { ...small, name: ROUTES.health })) / SIZES.smallRequests,
      plainSmall: (await plainMs(page, { ...small, name: 'echo' })) / SIZES.smallRequests,
    }
    if (round === -1) continue // The server reads the positions once.
    for (const key of Object.keys(all) as (keyof typeof all)[]) times[key].push(all[key]) // its own keys
  }
  return [
    row(carriage.throughput, 'ms', { ours: median(times.body), peer: median(times.plainBody) }),
    row(carriage.roundTrip, 'ms', { ours: median(times.small), peer: median(times.plainSmall) }),
  ]
}

function partsOf(bytes: number, size: number): [number, number][] {
  return Array.from({ length: Math.ceil(bytes / size) }, (_, place) => [
    place * size,
    Math.min((place + 1) * size, bytes),
  ])
}

/** On a crowded machine a probe may time out, and the ladder goes on to the next transport: that is not what is asked. */
async function shownBy(transport: string, notebook: BenchNotebook, place: number): Promise<Shown> {
  for (let attempt = 0; attempt < SHOW_ATTEMPTS; attempt++) {
    const shown = await notebook.show(place)
    if (shown.transport === transport) return shown
  }
  const tried = await notebook.run(CELLS.connection)
  throw new Error(`The viewer did not come by ${transport}, so nothing was measured: ${tried}`)
}

function widgetSize(): Row {
  const bundle = readFileSync(join(ROOT, 'python/cellucid_notebook/_static/widget.js'))
  return row(SUBJECTS.size, 'B', { ours: gzipSync(bundle, { level: 9 }).length, peer: null })
}

await main()
