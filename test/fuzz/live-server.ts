import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { decodeColumn } from '../../protocol/column-frame.ts'
import type { PageKey } from '../../protocol/probe.ts'
import { KEY_HEADER, ROUTES } from '../../protocol/urls.ts'
import { SocketPage } from '../stage/page-end.ts'
import { smallDataset } from '../stage/small-dataset.ts'
import { type OpenedViewer, STAND_IN_PAGE, type StartedServer, startServer, tradeToken } from '../stage/start-server.ts'

const CELLS = 700
/** Reads take so long at most: some are under way when nobody waits for them any more. */
const SLOWEST_READ_MS = 8
/** Names and values of the dataset. */
const DATA = /MS4A1|NKG7|cell-\d|CELLUCOL/
/** From a broken socket to the end of its process. */
const NOTICED_MS = 500
/** Linux tells what a process holds. */
const CAN_LOOK = process.platform === 'linux'

/** A real server process with one viewer whose pages are wild and honest; started anew where an input ended it. */
export class LiveServer {
  #server: StartedServer | null = null
  #viewer: OpenedViewer | null = null
  #wildKeys: PageKey[] = []
  #honest: SocketPage | null = null
  #honestKey: PageKey | null = null
  #logSeen = 0
  #asked = 0

  static async open(): Promise<LiveServer> {
    const live = new LiveServer()
    onTestFinished(() => live.stop())
    await live.ready()
    return live
  }

  get server(): StartedServer {
    if (this.#server === null) throw new Error('Not started.')
    return this.#server
  }

  get viewer(): OpenedViewer {
    if (this.#viewer === null) throw new Error('Not started.')
    return this.#viewer
  }

  get hasEnded(): boolean {
    return this.#server === null || this.#server.process.exitCode !== null || this.#server.process.signalCode !== null
  }

  wildKey(page: number): PageKey {
    const key = this.#wildKeys[page % this.#wildKeys.length]
    if (key === undefined) throw new Error('Not started.')
    return key
  }

  facts(pageKey: PageKey) {
    return { base: this.server.base, viewerId: this.viewer.viewerId, pageKey }
  }

  /** Start it where none runs. */
  async ready(): Promise<void> {
    if (!this.hasEnded) return
    const read = smallDataset(CELLS)
    let reads = 0
    this.#server = await startServer({
      page: STAND_IN_PAGE,
      read: async (question) => {
        await sleep(reads++ % SLOWEST_READ_MS)
        return read(question)
      },
    })
    this.#viewer = await this.#server.openViewer()
    this.#wildKeys = []
    for (let page = 0; page < 3; page++) this.#wildKeys.push(await tradeToken(this.#server.base, this.#viewer))
    this.#honestKey = await tradeToken(this.#server.base, this.#viewer)
    this.#honest = null
    this.#logSeen = this.#server.log().length
  }

  /** Throws where it has ended, or has said that something of its own went wrong. */
  expectAlive(): void {
    if (this.hasEnded)
      throw new Error(`The server ended with ${this.server.process.exitCode}.\n${this.server.log().slice(-2_000)}`)
    const said = this.server.log().slice(this.#logSeen)
    this.#logSeen += said.length
    expect(said.split('\n').filter((line) => line.includes('"level":"error"'))).toEqual([])
  }

  /** Of an error while something was tried: where the server has ended, that is why. */
  async reasonOf(error: unknown): Promise<never> {
    const { process: child } = this.server
    if (!this.hasEnded) await Promise.race([once(child, 'exit'), sleep(NOTICED_MS, null, { ref: false })])
    this.expectAlive()
    throw error
  }

  /** A page that did nothing wrong goes on: what it asks for by its socket is answered, and right. */
  async expectHonestAnswer(): Promise<void> {
    const page = await this.#honestPage()
    const id = ++this.#asked
    page.send({ kind: 'ask', id, method: 'GET', path: `${ROUTES.obsColumn}?key=score`, headers: {} } as {
      kind: string
    })
    const { header, body } = await this.#answer(page, id)
    expect(header).toMatchObject({ status: 200 })
    const column = decodeColumn(body, CELLS)
    expect(column.kind === 'dense' && column.values[7]).toBe(Math.fround(7 / CELLS))
    // What was heard so far is of no use any more.
    page.heard.length = 0
    this.server.kernel.heard.length = 0
  }

  /** All that one asks of a server: who comes new is let in, who has a key has data, who has none has nothing. */
  async expectWell(): Promise<void> {
    this.expectAlive()
    const { base } = this.server
    const key = this.#honestKey ?? ''
    expect((await fetch(`${base}${ROUTES.identity}`, { headers: { [KEY_HEADER]: key } })).status).toBe(200)
    this.#honest?.close()
    await this.#honest?.closed
    this.#honest = null
    await this.expectHonestAnswer()
    for (const path of [ROUTES.identity, `${ROUTES.obsColumn}?key=score`, `${ROUTES.genes}?query=`]) {
      const refused = await fetch(`${base}${path}`)
      expect(refused.status).toBe(401)
      expectNoData(await refused.text())
    }
    this.expectAlive()
  }

  /** What it holds. */
  async measure(): Promise<Record<string, number>> {
    if (!CAN_LOOK || this.hasEnded) return {}
    const { pid } = this.server.process
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const files = await readdir(`/proc/${pid}/fd`)
    const links = await Promise.all(files.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')))
    return {
      residentMb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_000),
      threads: Number(/Threads:\s+(\d+)/.exec(status)?.[1]),
      sockets: links.filter((link) => link.startsWith('socket:')).length,
    }
  }

  async stop(): Promise<void> {
    this.#honest?.close()
    if (!this.hasEnded) await this.server.stop()
  }

  async #honestPage(): Promise<SocketPage> {
    if (this.#honest !== null) return this.#honest
    const page = new SocketPage(this.facts(this.#honestKey ?? ('' as PageKey)))
    page.hello()
    await page.hear('welcome')
    this.#honest = page
    return page
  }

  async #answer(page: SocketPage, id: number): Promise<{ header: object; body: Uint8Array }> {
    type Said = { kind: string; id?: number; body: Uint8Array }
    const isOurs = (message: Said) => message.kind === 'answer' && message.id === id
    const answered = page.hear('answer' as 'ping', (message) => isOurs(message as unknown as Said))
    const closed = page.closed.then((code) => {
      throw new Error(`An honest page was closed with ${code}.`)
    })
    const late = sleep(10_000, null, { ref: false }).then(() => {
      throw new Error('An honest page had no answer for 10 s.')
    })
    const { body, ...header } = await Promise.race([answered, closed, late])
    return { header, body }
  }
}

export function expectNoData(text: string): void {
  expect(DATA.exec(text)?.[0] ?? null, 'data for a stranger').toBeNull()
}
