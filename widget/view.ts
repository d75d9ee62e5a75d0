import { type CandidateKind, type CandidateReport, TUNNEL_LIMITS, type Welcome } from '../protocol/comm.ts'
import { assertNever } from '../protocol/errors.ts'
import type { FromPage } from '../protocol/page-link.ts'
import { frameUrl } from '../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import { candidates } from './candidates.ts'
import { card, headline, type Obstacle } from './card.ts'
import { CellBox } from './cell-box.ts'
import { type FrameContent, openFrame, type PageLink } from './frame.ts'
import type { KernelLink } from './kernel-link.ts'
import { askColab, readPageFacts } from './page-facts.ts'
import { type Identity, identityOf } from './probe.ts'
import { type Attempt, pause, startProbes, takeBest } from './resolve.ts'
import { readTheme, watchTheme } from './theme.ts'

/** After this long without a word from the kernel the cell says that it waits. */
const QUIET_MS = 2_000

/** When `hello` is sent again while no `welcome` has come; the last repeats. */
const HELLO_AFTER_MS = [500, 1_000, 2_000, 5_000, 10_000, 30_000]

const RUN_AGAIN = 'Run this cell to get the live view.'

/** One rendering of a viewer: its own search for the server, its own frame, its own verdicts. */
export class View {
  /** Random per render: messages on the comm go to every view and every tab. */
  readonly id = randomHex(8)
  readonly #link: KernelLink
  readonly #box: CellBox
  readonly #signal: AbortSignal
  /** Ends the search or the frame that is being opened. */
  #search = new AbortController()
  /** What the running search or the standing frame was started for. */
  #welcome: Welcome | null = null
  /** The page that has drawn, with the signal of its own that outlives the search. */
  #page: PageLink | null = null
  /** The page that a search was started for last. */
  #left: PageLink | null = null

  constructor(el: HTMLElement, link: KernelLink, signal: AbortSignal) {
    this.#link = link
    this.#signal = signal
    this.#box = new CellBox(el, signal)
    this.#box.theme = readTheme()
    watchTheme((theme) => {
      this.#box.theme = theme
      this.#page?.send({ kind: 'theme', theme })
    }, signal)
    signal.addEventListener('abort', () => this.#end())
    this.#start()
  }

  #start(): void {
    if (!this.#link.isLive) {
      this.#box.saved(RUN_AGAIN)
      return
    }
    this.#link.listen(
      {
        welcome: (welcome) => this.#hear(welcome),
        dead: () => this.#lose(),
        stopped: (reason) => this.#stop(reason),
      },
      this.#signal,
    )
    if (this.#link.stopped !== null) {
      this.#stop(this.#link.stopped)
      return
    }
    void this.#hello()
    if (this.#link.welcome !== null) this.#hear(this.#link.welcome)
    else void this.#sayThatItWaits()
  }

  async #sayThatItWaits(): Promise<void> {
    const isOver = await pause(QUIET_MS, this.#signal)
    if (!isOver && this.#welcome === null) this.#box.say(`Waiting for the kernel. If nothing comes: ${RUN_AGAIN}`)
  }

  /** Ask for `welcome`, and again until one has come. */
  async #hello(): Promise<void> {
    for (let count = 0; count === 0 || this.#welcome === null; count++) {
      if (!this.#link.send({ kind: 'hello', view: this.id, protocol: PROTOCOL_VERSION })) return
      const isOver = await pause(HELLO_AFTER_MS[Math.min(count, HELLO_AFTER_MS.length - 1)] ?? 0, this.#signal)
      if (isOver) return
    }
  }

  #hear(welcome: Welcome): void {
    if (this.#welcome !== null && isSame(this.#welcome, welcome)) return
    this.#welcome = welcome
    this.#box.height = welcome.height
    if (welcome.protocol !== PROTOCOL_VERSION) {
      const because = 'This notebook page is older or newer than the kernel: save the notebook and reload the page'
      this.#showCard([], because)
    } else this.#resolve()
  }

  /** Look for the server anew. What is on screen stays until something better has drawn. */
  #resolve(): void {
    this.#search.abort()
    this.#search = new AbortController()
    const signal = AbortSignal.any([this.#signal, this.#search.signal])
    const identity = this.#welcome === null ? null : identityOf(this.#welcome)
    if (this.#welcome === null || identity === null) return
    this.#box.hush()
    this.#box.stage.hidden = false
    this.#box.status = 'resolving'
    void this.#find(this.#welcome, identity, signal)
  }

  async #find(welcome: Welcome, identity: Identity, signal: AbortSignal): Promise<void> {
    const facts = await readPageFacts()
    if (signal.aborted) return
    const attempts = startProbes(candidates(facts, welcome), {
      identity,
      standpoint: { origin: facts.origin, ancestors: facts.ancestors },
      lateBase: () => askColab(welcome.port),
      signal,
    })
    const taken = await takeBest(attempts, (attempt, base) => {
      const url = frameUrl(base, identity.viewerId, identity.token)
      return this.#open({ how: 'navigate', base, url }, attempt.candidate.kind, signal)
    })
    if (signal.aborted) return
    const report = () => attempts.flatMap((attempt: Attempt) => attempt.report ?? [])
    const base = taken?.attempt.report?.base ?? null
    const transport = taken?.attempt.candidate.kind ?? null
    this.#tell(transport, base, report())
    if (taken === null) return this.#showCard(report())
    // Those ranked lower may still be on their way; the kernel's report wants them all.
    if (report().length === attempts.length) return
    await Promise.all(attempts.map(({ done }) => done))
    if (!signal.aborted) this.#tell(transport, base, report())
  }

  async #open(content: FrameContent, transport: CandidateKind, signal: AbortSignal): Promise<PageLink | null> {
    if (signal.aborted) return null
    this.#box.status = 'loading'
    const page: PageLink | null = await openFrame(content, {
      stage: this.#box.stage,
      viewerId: this.#welcome?.viewerId ?? '',
      events: {
        message: (message) => this.#onPage(message, { page, transport }),
        reloaded: () => this.#leave(page),
      },
      signal,
    })
    page?.send({ kind: 'start', transport, pageKey: null, theme: readTheme(), partBytes: TUNNEL_LIMITS.partBytes })
    return page
  }

  #onPage(message: FromPage, { page, transport }: { page: PageLink | null; transport: CandidateKind }): void {
    switch (message.kind) {
      case 'drawn':
        this.#replacePage(page)
        this.#box.transport = transport
        this.#box.drawn(message.cells)
        break
      case 'failed':
        this.#replacePage(page)
        this.#box.card([], message.message)
        break
      case 'lost':
        this.#leave(page)
        break
      case 'resize':
        this.#box.height = message.height
        break
      case 'console':
      case 'fetch':
      case 'abort':
      case 'probeAnswer':
        break
      default:
        assertNever(message)
    }
  }

  /** The new page has something to show: now the old one may go. */
  #replacePage(page: PageLink | null): void {
    if (page === null || page === this.#page) return
    this.#page?.close()
    this.#page = page
    page.keep()
    page.iframe.className = 'drawn'
  }

  /** A page lost its server, or its frame was loaded anew: look again, once for each page. */
  #leave(page: PageLink | null): void {
    if (page === null || this.#left === page) return
    this.#left = page
    this.#resolve()
  }

  #tell(transport: CandidateKind | null, base: string | null, reports: CandidateReport[]): void {
    this.#link.send({
      kind: 'resolved',
      view: this.id,
      transport,
      base,
      candidates: reports,
      pageOrigin: window.origin,
    })
  }

  #showCard(reports: CandidateReport[], because?: string): void {
    const obstacle: Obstacle = {
      reports,
      port: this.#welcome?.port ?? 0,
      hints: this.#welcome?.hints ?? {},
      override: this.#welcome?.override ?? null,
      isLive: this.#link.isLive,
      ...(because === undefined ? {} : { because }),
    }
    this.#box.stage.hidden = this.#page === null
    this.#box.card(card(obstacle, [{ label: 'Try again', run: () => this.#resolve() }]), headline(obstacle))
  }

  /** The comm died. A picture that came over HTTP may live on; its page says when it does not. */
  #lose(): void {
    if (this.#page === null) this.#box.saved(RUN_AGAIN)
  }

  #stop(reason: string): void {
    this.#search.abort()
    this.#box.saved(reason)
  }

  #end(): void {
    this.#search.abort()
    this.#page?.close()
    this.#link.send({ kind: 'bye', view: this.id })
  }
}

/** Does a repeated `welcome` say anything that a view would act on? */
function isSame(a: Welcome, b: Welcome): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.port === b.port &&
    a.override === b.override &&
    a.viewerToken === b.viewerToken &&
    a.protocol === b.protocol
  )
}

/** `randomUUID` is missing on plain-http pages. */
function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )
}
