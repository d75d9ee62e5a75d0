// `npm run bench:data`: how long data take from where they lie to the page, against anndata backed, h5py with scipy,
// zarr-python, and cellucid's own Python server, over the same files. Ours and peer take turns, and the medians are
// compared; a wrong answer has no time. `--small` makes it quick, `--keep` leaves the files where they are, and with
// `--case NAME`, once or more often, only some are measured: what was measured of kept files before stays in the table.
import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { decodeColumn } from '../../protocol/column-frame.ts'
import { KEY_HEADER, ROUTES } from '../../protocol/urls.ts'
import { type StartedServer, startServer, tradeToken } from '../../test/stage/start-server.ts'
import { ROOT, VENV_PYTHON } from '../command.mjs'
import { type Peer, startCellucid } from './data/cellucid-server.ts'
import { clientsOf, get, load, percentile, SocketClient } from './data/http-load.ts'
import { LineProcess } from './data/line-process.ts'
import { median, publish, type Row, row } from './rows.ts'

const { values: flags } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true, default: [] },
  },
})

const SIZES = flags.small
  ? { cells: 100_000, genes: 500, perCell: 25, rounds: 3, genesAsked: 40, requests: 1_000, holdSeconds: 1 }
  : { cells: 1_000_000, genes: 5_000, perCell: 250, rounds: 5, genesAsked: 300, requests: 6_000, holdSeconds: 5 }

const FOLDER = join(ROOT, 'dist/bench', `data-${SIZES.cells}-${SIZES.genes}`)
const CELLS = `${SIZES.cells / 1e6}M`

const SUBJECTS = {
  open: `${CELLS} cells by rows: open to embedding and one category`,
  cold: 'gene by scan, before any is sorted',
  coldGzip: 'gene by scan, gzip',
  build: 'sorting all genes',
  buildMemory: 'sorting all genes, memory at most',
  cached: 'gene, sorted, p50 over HTTP (peer: h5py of a sorted file)',
  cachedLate: 'gene, sorted, p99 over HTTP (peer: h5py of a sorted file)',
  store: 'gene of a zarr store by columns, p50 over HTTP',
  idle: 'AnnData in memory: embedding and one column, kernel idle',
  busy: 'AnnData in memory: embedding and one column, kernel busy (peer: idle)',
  held: 'health while the kernel holds its lock (peer: idle)',
  heldGene: 'cached gene while the kernel holds its lock (peer: idle)',
  small: 'small requests, 64 clients, time for each',
  smallLate: 'small requests, 64 clients, p99',
  large: 'ranges of 1 MB, 8 clients, time for each',
  middle: 'ranges of 16 KB, 64 clients, time for each',
  whole: 'whole body of an embedding, time for each',
} as const

const GOALS = {
  [SUBJECTS.open]: 0.5,
  [SUBJECTS.cold]: 5,
  [SUBJECTS.coldGzip]: 2,
  [SUBJECTS.build]: 4,
  [SUBJECTS.buildMemory]: 0.5,
  [SUBJECTS.held]: 2,
  [SUBJECTS.heldGene]: 2,
  [SUBJECTS.small]: 0.2,
  [SUBJECTS.smallLate]: 1,
  [SUBJECTS.large]: 1 / 1.1,
  [SUBJECTS.middle]: 1 / 3,
  [SUBJECTS.whole]: 1 / 0.4,
  // What a person waits for, in milliseconds of a million cells.
  ...(flags.small
    ? {}
    : {
        [SUBJECTS.cached]: { atMost: 5 },
        [SUBJECTS.cachedLate]: { atMost: 20 },
        [SUBJECTS.idle]: { atMost: 50 },
        [SUBJECTS.busy]: { atMost: 150 },
      }),
}

/** A server's thread that is ready for the next file is started a second after the last was taken. */
const SPARE_THREAD_MS = 2_000

/** Both are asked so often before they are measured: what runs often is compiled then. */
const WARMING_ROUNDS = 2
/** Of small requests, which are over before they count: what each runs through once is compiled after tens of thousands. */
const SMALL_WARMING_ROUNDS = 6

type Timed = { ms: number; sum: number | null }

/** One viewer, as its page sees it. */
type Viewed = { headers: Record<string, string>; base: string; cells: number }

const agent = clientsOf(8)

const CASES: Readonly<Record<string, (python: LineProcess) => Promise<Row[]>>> = {
  open: opened,
  scan: scanned,
  sort: sorted,
  store: stored,
  memory: inMemory,
  serve: served,
}

async function main(): Promise<void> {
  const asked = flags.case.length === 0 ? Object.keys(CASES) : flags.case
  const unknown = asked.find((name) => !Object.hasOwn(CASES, name))
  if (unknown !== undefined) throw new Error(`No case "${unknown}"; there are ${Object.keys(CASES).join(', ')}.`)
  if (!existsSync(FOLDER)) makeData()
  const python = new LineProcess('peers.py')
  try {
    const rows: Row[] = []
    for (const name of asked) rows.push(...((await CASES[name]?.(python)) ?? []))
    console.log(`${cpus().length} cores, Node ${process.version}; files: ${sizesOf(FOLDER)}`)
    publish(withEarlier(rows), join(ROOT, 'dist/bench/data.json'), GOALS)
  } finally {
    await python.stop()
    agent.destroy()
    if (!flags.keep) rmSync(FOLDER, { recursive: true, force: true })
  }
}

/** With what was measured before of the same files, in the order of the subjects. */
function withEarlier(rows: readonly Row[]): Row[] {
  const file = join(FOLDER, 'measured.json')
  const earlier: Row[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
  const all = new Map([...earlier, ...rows].map((each) => [each.operation, each]))
  const ordered = Object.values(SUBJECTS).flatMap((operation) => all.get(operation) ?? [])
  writeFileSync(file, JSON.stringify(ordered))
  return ordered
}

function makeData(): void {
  console.log(`writing ${CELLS} cells × ${SIZES.genes} genes …`)
  mkdirSync(FOLDER, { recursive: true })
  const numbers = [SIZES.cells, SIZES.genes, SIZES.perCell].map(String)
  const script = join(ROOT, 'scripts/bench/data/make.py')
  try {
    execFileSync(VENV_PYTHON, [script, FOLDER, ...numbers], { stdio: ['ignore', 'ignore', 'inherit'] })
  } catch (error) {
    rmSync(FOLDER, { recursive: true, force: true })
    throw error
  }
}

async function opened(python: LineProcess): Promise<Row[]> {
  const ours: number[] = []
  const peer: number[] = []
  await withServer(['--cache', 'none'], async (server) => {
    for (let round = -1; round < SIZES.rounds; round++) {
      const path = freshPath('rows.h5ad')
      await setTimeout(SPARE_THREAD_MS)
      const startMs = performance.now()
      const viewed = await view(server, path)
      await pictureMs(viewed, 'cluster')
      const ms = performance.now() - startMs
      const { ms: peerMs } = await asked(python, 'first_picture', [path])
      if (round < 0) continue // both have read the file once
      ours.push(ms)
      peer.push(peerMs)
    }
  })
  return [row(SUBJECTS.open, 'ms', { ours: median(ours), peer: median(peer) })]
}

async function scanned(python: LineProcess): Promise<Row[]> {
  const rows: Row[] = []
  await withServer(['--cache', 'none'], async (server) => {
    for (const [operation, file] of [
      [SUBJECTS.cold, 'rows.h5ad'],
      [SUBJECTS.coldGzip, 'rows-gzip.h5ad'],
    ] as const) {
      const viewed = await view(server, join(FOLDER, file))
      rows.push(
        await turns(
          operation,
          genesAsked(SIZES.rounds),
          (gene) => geneOf(viewed, gene),
          (gene) => asked(python, 'scan', [join(FOLDER, file), gene]),
        ),
      )
    }
  })
  return rows
}

async function sorted(python: LineProcess): Promise<Row[]> {
  const out = join(FOLDER, 'sorted.h5')
  const cache = join(FOLDER, 'cache')
  rmSync(cache, { recursive: true, force: true })
  const script = join(ROOT, 'scripts/bench/data/peers.py')
  const text = execFileSync(VENV_PYTHON, [script, 'sort', join(FOLDER, 'rows.h5ad'), out]).toString()
  const peer = JSON.parse(text) as { ms: number; peakMb: number } // our own script wrote it
  const rows: Row[] = []
  await withServer(['--cache', cache], async (server) => {
    const viewed = await view(server, join(FOLDER, 'rows.h5ad'))
    const startMs = performance.now()
    await geneOf(viewed, 0)
    while (!isSorted(cache)) await setTimeout(20)
    const ms = performance.now() - startMs
    const memory = peakMegabytes(server.process.pid)
    rows.push(row(SUBJECTS.build, 'ms', { ours: ms, peer: peer.ms }))
    rows.push(row(SUBJECTS.buildMemory, 'MB', { ours: memory, peer: peer.peakMb }))
    const times = { ours: [] as number[], peer: [] as number[] }
    for (const gene of genesAsked(SIZES.genesAsked)) {
      const own = await geneOf(viewed, gene)
      const other = await asked(python, 'sorted_gene', [out, gene])
      checkSame(SUBJECTS.cached, own, other)
      times.ours.push(own.ms)
      times.peer.push(other.ms)
    }
    const at = (part: number) => ({ ours: percentile(times.ours, part), peer: percentile(times.peer, part) })
    rows.push(row(SUBJECTS.cached, 'ms', at(0.5)), row(SUBJECTS.cachedLate, 'ms', at(0.99)))
  })
  return rows
}

async function stored(python: LineProcess): Promise<Row[]> {
  const path = join(FOLDER, 'columns.zarr')
  const rows: Row[] = []
  await withServer(['--cache', 'none'], async (server) => {
    const viewed = await view(server, path)
    rows.push(
      await turns(
        SUBJECTS.store,
        genesAsked(Math.min(SIZES.genesAsked, 100)),
        (gene) => geneOf(viewed, gene),
        (gene) => asked(python, 'store_gene', [path, gene]),
      ),
    )
  })
  return rows
}

/** A real kernel, which shows an AnnData and then computes. */
async function inMemory(): Promise<Row[]> {
  const kernel = new LineProcess('kernel.py', [join(FOLDER, 'rows.h5ad')])
  try {
    const idle: number[] = []
    const busy: number[] = []
    for (let round = 0; round < SIZES.rounds; round++) {
      idle.push(await pictureMs(await viewOf(await kernel.ask<string>('show'))))
      const viewed = await viewOf(await kernel.ask<string>('show'))
      await kernel.ask('busy 3')
      busy.push(await pictureMs(viewed))
      await kernel.next()
    }
    const viewed = await viewOf(await kernel.ask<string>('show'))
    return [
      row(SUBJECTS.idle, 'ms', { ours: median(idle), peer: null }),
      row(SUBJECTS.busy, 'ms', { ours: median(busy), peer: median(idle) }),
      ...(await whileHeld(kernel, viewed)),
    ]
  } finally {
    await kernel.stop()
  }
}

async function whileHeld(kernel: LineProcess, viewed: Viewed): Promise<Row[]> {
  const gene = `${ROUTES.varColumn}?key=g1&in=X`
  await get(agent, viewed.base, { path: gene, headers: viewed.headers })
  const measure = async (path: string) => {
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      const startMs = performance.now()
      await get(agent, viewed.base, { path, headers: viewed.headers })
      times.push(performance.now() - startMs)
    }
    return median(times)
  }
  const idle = [await measure(ROUTES.health), await measure(gene)] as const
  await kernel.ask(`hold ${SIZES.holdSeconds}`)
  const startMs = performance.now()
  const held = [await measure(ROUTES.health), await measure(gene)] as const
  const ms = performance.now() - startMs
  await kernel.next()
  if (ms > SIZES.holdSeconds * 1000) throw new Error(`Answers waited for the kernel: ${ms.toFixed(0)} ms`)
  return [
    row(SUBJECTS.held, 'ms', { ours: held[0], peer: idle[0] }),
    row(SUBJECTS.heldGene, 'ms', { ours: held[1], peer: idle[1] }),
  ]
}

/** Bytes and small answers, against cellucid's own server. Ours are of an embedding, its are of a file. */
async function served(): Promise<Row[]> {
  const rows: Row[] = []
  await withServer(['--cache', 'none'], async (server) => {
    const peer = await startCellucid(join(FOLDER, 'rows.h5ad'), server.port + 1)
    if (peer === null) console.log('cellucid 0.9.5 cannot be had here: its server is left out')
    try {
      rows.push(...(await compareServers(await view(server, join(FOLDER, 'rows.h5ad')), peer)))
    } finally {
      await peer?.stop()
    }
  })
  return rows
}

async function compareServers({ base, headers }: Viewed, peer: Peer | null): Promise<Row[]> {
  const { length } = await get(agent, base, { path: ROUTES.embedding, headers })
  const sides = [
    { base, path: ROUTES.embedding, headers },
    ...(peer === null ? [] : [{ base: peer.base, path: '_cellucid/anndata/bench.h5ad', headers: {} }]),
  ]
  const ranges = async (operation: string, bytes: number, clients: number, requests: number) => {
    const times = sides.map(() => [] as number[])
    for (let round = -WARMING_ROUNDS; round < SIZES.rounds; round++) {
      for (const [i, side] of sides.entries()) {
        const ask = (place: number) => {
          const start = (place * 7919 * 64) % Math.max(1, length - bytes)
          return { path: side.path, headers: { ...side.headers, range: `bytes=${start}-${start + bytes - 1}` } }
        }
        const { perSecond } = await load(side.base, ask, { clients, requests })
        if (round >= 0) times[i]?.push(1000 / perSecond)
      }
    }
    return pair(operation, times, 'ms')
  }
  const megabyte = Math.min(1_000_000, length - 1)
  return [
    ...(await smallRequests(sides)),
    await ranges(SUBJECTS.large, megabyte, 8, SIZES.requests / 20),
    await ranges(SUBJECTS.middle, 16_384, 64, SIZES.requests / 2),
    await ranges(SUBJECTS.whole, length - 1, 1, 20),
  ]
}

/** The same question to both, which takes no key. */
async function smallRequests(sides: readonly { base: string }[]): Promise<Row[]> {
  const each = sides.map(() => [] as number[])
  const late = sides.map(() => [] as number[])
  for (let round = -SMALL_WARMING_ROUNDS; round < SIZES.rounds; round++) {
    for (const [i, { base }] of sides.entries()) {
      const { requests } = SIZES
      const { perSecond, p99Ms } = await load(base, () => ({ path: ROUTES.health }), { clients: 64, requests })
      if (round < 0) continue
      each[i]?.push(1000 / perSecond)
      late[i]?.push(p99Ms)
    }
  }
  return [pair(SUBJECTS.small, each, 'ms'), pair(SUBJECTS.smallLate, late, 'ms')]
}

function pair(operation: string, [ours = [], peer = []]: readonly number[][], unit: string): Row {
  return row(operation, unit, { ours: median(ours), peer: peer.length === 0 ? null : median(peer) })
}

async function turns(
  operation: string,
  genes: readonly number[],
  own: (gene: number) => Promise<Timed>,
  other: (gene: number) => Promise<Timed>,
): Promise<Row> {
  const times = { ours: [] as number[], peer: [] as number[] }
  await own(genes[0] ?? 0)
  for (const gene of genes.slice(1)) {
    const mine = await own(gene)
    const theirs = await other(gene)
    checkSame(operation, mine, theirs)
    times.ours.push(mine.ms)
    times.peer.push(theirs.ms)
  }
  return row(operation, 'ms', { ours: median(times.ours), peer: median(times.peer) })
}

/** Different ones, all over the matrix: none is asked twice, since a second answer comes from memory. */
function genesAsked(count: number): number[] {
  return Array.from({ length: count + 1 }, (_, i) => (i * 7 + 1) % SIZES.genes)
}

async function geneOf({ base, headers, cells }: Viewed, gene: number): Promise<Timed> {
  const startMs = performance.now()
  const body = await get(agent, base, { path: `${ROUTES.varColumn}?key=g${gene}&in=X`, headers })
  const ms = performance.now() - startMs
  const column = decodeColumn(new Uint8Array(body), cells)
  const sum = column.kind === 'codes' ? Number.NaN : column.values.reduce((total, value) => total + value, 0)
  return { ms, sum }
}

async function asked(python: LineProcess, what: string, given: readonly unknown[]): Promise<Timed> {
  return python.ask<Timed>(JSON.stringify({ what, given }))
}

function checkSame(operation: string, own: Timed, peer: Timed): void {
  if (Math.abs((own.sum ?? 0) - (peer.sum ?? 0)) <= 1e-4 * Math.abs(peer.sum ?? 0)) return
  throw new Error(`${operation}: ours adds up to ${own.sum}, the peer's to ${peer.sum}.`)
}

async function pictureMs(viewed: Viewed, column = 'score'): Promise<number> {
  const paths = [ROUTES.embedding, `${ROUTES.obsColumn}?key=${column}`]
  const clients = await Promise.all(paths.map(() => SocketClient.open(viewed.base)))
  const startMs = performance.now()
  await Promise.all(clients.map((client, i) => client.ask(client.spell({ path: paths[i] ?? '', ...viewed }))))
  const ms = performance.now() - startMs
  for (const client of clients) client.end()
  return ms
}

/** Of gzip and zarr there is a quarter of the cells. */
async function view(server: StartedServer, path: string): Promise<Viewed> {
  const options = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }
  const { url } = await server.openViewer({ source: { kind: 'path', path }, options })
  const isPart = path.endsWith('rows-gzip.h5ad') || path.endsWith('.zarr')
  return { ...(await viewOf(url)), cells: isPart ? SIZES.cells / 4 : SIZES.cells }
}

async function viewOf(url: string): Promise<Viewed> {
  const { origin, searchParams } = new URL(url)
  const ids = { viewerId: searchParams.get('viewerId'), viewerToken: searchParams.get('viewerToken') }
  // A viewer's URL holds both.
  const key = await tradeToken(`${origin}/`, ids as Parameters<typeof tradeToken>[1])
  return { base: `${origin}/`, headers: { [KEY_HEADER]: key }, cells: SIZES.cells }
}

async function withServer(args: readonly string[], work: (server: StartedServer) => Promise<void>): Promise<void> {
  const server = await startServer({ args, program: join(ROOT, 'python/cellucid_notebook/_static/server.mjs') })
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}

let links = 0

/** The same bytes under a name that nobody has opened. */
function freshPath(name: string): string {
  const path = join(FOLDER, `${++links}-${name}`)
  rmSync(path, { force: true })
  linkSync(join(FOLDER, name), path)
  return path
}

/** A store that is being written has another name. */
function isSorted(cache: string): boolean {
  const folder = join(cache, 'columns')
  return existsSync(folder) && readdirSync(folder).some((name) => !name.includes('.part-'))
}

/** The most memory that a process ever had, as Linux counts it. */
function peakMegabytes(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1000
}

function sizesOf(folder: string): string {
  const files = readdirSync(folder).filter((name) => /^(rows|sorted)/.test(name))
  return files.map((name) => `${name} ${(statSync(join(folder, name)).size / 1e6).toFixed(0)} MB`).join(', ')
}

await main()
