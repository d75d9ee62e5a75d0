import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { decodeCells, encodeCells } from '../../protocol/cells.ts'
import { SocketPage } from '../stage/page-end.ts'
import { type StartedServer, startServer, tradeToken } from '../stage/start-server.ts'

/** Each as a person would select it, or a command would: from one page to the kernel, and back to two. */
const SELECTIONS = [
  { name: '10 million of 10 million', cellCount: 10_000_000, step: 1, encoding: 'bitmap', bodyBytes: 1_250_000 },
  { name: '1 million of 100 million', cellCount: 100_000_000, step: 100, encoding: 'u32', bodyBytes: 4_000_000 },
  { name: '12 million of 1.2 billion', cellCount: 1_200_000_000, step: 100, encoding: 'u32', bodyBytes: 48_000_000 },
]
/** What the process needs anyway for traffic: young garbage and buffers of sockets. */
const TRAFFIC_MB = 24

test.each(SELECTIONS)(
  '$name cells arrive whole, and the server needs less than three times their bytes',
  async (asked) => {
    const { cellCount, step, encoding, bodyBytes } = asked
    const server = await startServer()
    onTestFinished(() => void server.stop())
    const viewer = await server.openViewer()
    const { viewerId } = viewer
    const pages = await Promise.all([1, 2].map(async () => openPage(server, viewer)))
    const [page] = pages
    if (page === undefined) throw new Error('no page')
    const cells = Uint32Array.from({ length: Math.ceil(cellCount / step) }, (_, nth) => nth * step)
    const { head, body } = encodeCells(cells, cellCount)
    expect([head.encoding, body.byteLength]).toEqual([encoding, bodyBytes])

    await warmUp(server, page)
    const memory = watchMemory(server)
    page.send({ kind: 'event', id: 'one', event: { kind: 'selection', cells: head, source: 'lasso' } }, body)
    const heard = await server.kernel.hear('viewer.event', (event) => event.id === 'one')
    expect(decodeCells(head, heard.body)).toEqual(cells)
    const peak = memory.stop()
    process.stdout.write(
      `${JSON.stringify({ name: asked.name, bodyMb: bodyBytes / 1e6, peakMb: Math.round(peak / 1e5) / 10, ratio: Math.round((peak / bodyBytes) * 100) / 100 })}\n`,
    )
    expect(peak).toBeLessThan(3 * bodyBytes + TRAFFIC_MB * 1e6)

    if (bodyBytes > 16e6) return // more than a command may hold
    server.kernel.notify('viewer.command', { viewerId, seq: 1, command: { kind: 'select', cells: head } }, body)
    for (const each of pages) expect(decodeCells(head, (await each.hear('command')).body)).toEqual(cells)
  },
  120_000,
)

async function openPage(server: StartedServer, viewer: Awaited<ReturnType<StartedServer['openViewer']>>) {
  const pageKey = await tradeToken(server.base, viewer)
  const page = new SocketPage({ base: server.base, viewerId: viewer.viewerId, pageKey })
  onTestFinished(() => page.close())
  page.hello()
  await page.hear('welcome')
  return page
}

/** Traffic as before, so that what is measured is not the first of its kind. */
async function warmUp({ kernel }: StartedServer, page: SocketPage): Promise<void> {
  const { head, body } = encodeCells(
    Uint32Array.from({ length: 5_000_000 }, (_, cell) => cell * 2),
    10_000_000,
  )
  for (let round = 0; round < 20; round++) {
    page.send({ kind: 'event', id: `warm-${round}`, event: { kind: 'selection', cells: head, source: 'lasso' } }, body)
    await kernel.hear('viewer.event', ({ id }) => id === `warm-${round}`)
    kernel.heard.splice(0)
  }
}

/** @returns bytes that the process had at most above what it had at first */
function watchMemory({ process: { pid } }: StartedServer): { stop(): number } {
  const resident = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  const before = resident()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, resident())
  }, 2)
  return {
    stop() {
      clearInterval(timer)
      return Math.max(peak, resident()) - before
    },
  }
}
