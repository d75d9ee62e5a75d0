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

const { values: flags } = parseArgs({ options: { small: { type: 'boolean', default: false } } })

const SIZES = flags.small
  ? { firstByteRounds: 3, cells: 500_000, tunnelRounds: 3, smallRequests: 20 }
  : { firstByteRounds: 7, cells: 2_000_000, tunnelRounds: 7, smallRequests: 50 }

const SHOW_ATTEMPTS = 4

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
  throughput: 'tunnel throughput, time for the same parts',
  roundTrip: 'small request over the tunnel, round trip',
  size: 'widget bundle, gzipped',
} as const

type Stage = { context: BrowserContext; lab: Lab; front: Front }

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const lab = await startLab({
    folder,
    baseUrl: BASE,
    autosave: false,
    labArguments: [`--ServerApp.local_hostnames=['localhost', '${FAR_NAME}']`],
    logFile: join(ROOT, 'dist/bench/jupyter.log'),
  })
  let front: Front | null = null
  let browser: Browser | null = null
  try {
    front = await startFront(Number(new URL(lab.url).port), wayOf)
    browser = await launchBrowser([`--host-resolver-rules=MAP ${FAR_NAME} 127.0.0.1`])
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
    await context.addInitScript(observe)
    publish(await measure({ context, lab, front }), join(ROOT, 'dist/bench/transport.json'), {
      [SUBJECTS.throughput]: 1.25,
      [SUBJECTS.roundTrip]: 1.5,
    })
  } finally {
    await browser?.close()
    await front?.stop()
    await lab.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function wayOf(host: string, path: string): Way {
  if (WRONG_PROXIES.test(path)) return 'hang'
  return host.startsWith(FAR_NAME) && path.includes('/proxy/') ? 'absent' : 'pass'
}

async function measure(stage: Stage): Promise<Row[]> {
  const rows: Row[] = []
  for (const part of [provenFirst, provenLast, throughTunnel]) rows.push(...(await part(stage)))
  return [...rows, widgetSize()]
}

/** JupyterLab with jupyter-server-proxy; the peer is a frame that is sent straight to the same address. */
async function provenFirst({ context, lab }: Stage): Promise<Row[]> {
  const notebook = await BenchNotebook.open(context, lab, { url: lab.url, cells: benchCells(1_000, null) })
  await notebook.run(CELLS.prepare)
  return [await firstBytes(SUBJECTS.first, notebook, 'same-origin-proxy')]
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
  return [first, ...(await tunnelLoads(notebook, await observedFrame(notebook)))]
}

/** In a frame of its own process the browser may run its driver's script only after the page's own: then once more. */
async function observedFrame(notebook: BenchNotebook): Promise<Shown['frame']> {
  for (let attempt = 0; attempt < SHOW_ATTEMPTS; attempt++) {
    const { frame } = await shownBy('tunnel', notebook, CELLS.showMany)
    if (await frame.evaluate(() => globalThis.pagePort !== undefined && globalThis.pageKey !== undefined)) return frame
  }
  throw new Error('The page took its port before anyone saw it, so nothing was measured')
}

async function tunnelLoads({ page }: BenchNotebook, frame: Shown['frame']): Promise<Row[]> {
  const bytes = SIZES.cells * 2 * Float32Array.BYTES_PER_ELEMENT
  const body: Omit<Load, 'name'> = { parts: partsOf(bytes), inFlight: PARTS_AT_ONCE }
  const small: Omit<Load, 'name'> = {
    parts: Array.from({ length: SIZES.smallRequests }, () => [0, 100]),
    inFlight: 1,
  }
  const times = { body: [] as number[], plainBody: [] as number[], small: [] as number[], plainSmall: [] as number[] }
  for (let round = -1; round < SIZES.tunnelRounds; round++) {
    const all = {
      body: await tunnelMs(frame, { ...body, name: ROUTES.embedding }),
      plainBody: await plainMs(page, { ...body, name: 'positions' }),
      small: (await tunnelMs(frame, { ...small, name: ROUTES.health })) / SIZES.smallRequests,
      plainSmall: (await plainMs(page, { ...small, name: 'echo' })) / SIZES.smallRequests,
    }
    if (round === -1) continue // The server reads the positions once.
    for (const key of Object.keys(all) as (keyof typeof all)[]) times[key].push(all[key]) // its own keys
  }
  return [
    row(SUBJECTS.throughput, 'ms', { ours: median(times.body), peer: median(times.plainBody) }),
    row(SUBJECTS.roundTrip, 'ms', { ours: median(times.small), peer: median(times.plainSmall) }),
  ]
}

function partsOf(bytes: number): [number, number][] {
  const size = TUNNEL_LIMITS.partBytes
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
