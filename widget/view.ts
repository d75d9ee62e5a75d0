import type { Welcome } from '../protocol/comm.ts'
import { assertNever } from '../protocol/errors.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import { card, headline, type Obstacle } from './cell/card.ts'
import { type Action, CellBox } from './cell/cell-box.ts'
import { readTheme, watchTheme } from './cell/theme.ts'
import type { PageLink, PageMessage } from './frame/page-link.ts'
import { ConsoleForwarder } from './kernel/console-forwarder.ts'
import type { KernelLink } from './kernel/kernel-link.ts'
import { sendAgain } from './kernel/send-again.ts'
import { readPageFacts } from './page-facts.ts'
import { pause } from './pause.ts'
import { Losses } from './search/losses.ts'
import { type Identity, identityOf, PROBE_TIMEOUT_MS, probe } from './search/probe.ts'
import { type SearchOutcome, search } from './search/search.ts'
import { watchSleep } from './sleep.ts'

/** After this long without a word from the kernel the cell says that it waits. */
const QUIET_MS = 2_000

/** When the bases that were slow are asked again, for a picture that goes through the notebook. */
const SECOND_LOOK_MS = 10_000

/** A kernel that computes may say nothing for so long. */
const KERNEL_WORD_MS = 2_000

const RUN_AGAIN = 'Run this cell to get the live view.'

/** One rendering of a viewer: its own search for the server, its own frame, its own verdicts. */
export class View {
  /** Random per render: messages on the comm go to every view and every tab. */
  readonly id = randomHex(8)
  readonly #link: KernelLink
  readonly #box: CellBox
  readonly #signal: AbortSignal
  readonly #console: ConsoleForwarder
  /** What the running search, or the standing page, was started for. */
  #welcome: Welcome | null = null
  /** Ends the running search, and the page that it opened while that has not drawn. */
  #search = new AbortController()
  /** Why there will be nothing new. */
  #stopped: string | null = null
  /** The page that is on screen. */
  #page: PageLink | null = null
  /** What the search that opened the page, or failed, found. */
  #outcome: SearchOutcome | null = null
  /** The user chose the notebook in place of the forced address, which failed. */
  #isThroughNotebook = false
  /** Pages that were given up; each starts one search. */
  readonly #left = new WeakSet<PageLink>()
  /** Bases whose page lost its server before it drew, until the user or a new server says otherwise. */
  readonly #passedOver = new Set<string>()
  readonly #losses = new Losses()
  /** Abort at the kernel's next word that the server is where it was. */
  readonly #words = new Set<AbortController>()
  /** The kernel was heard since the server was last asked without its word. */
  #mayAskUnheard = true
  /** Ends with the first `welcome`, which is what `hello` asks for. */
  readonly #welcomed = new AbortController()
  /** Ends when the kernel noted what was told it last. */
  #told = new AbortController()
  #toldId = 0
  /** Requests through the notebook wait. */
  #isStalled = false

  constructor(el: HTMLElement, link: KernelLink, signal: AbortSignal) {
    this.#link = link
    this.#signal = signal
    this.#box = new CellBox(el, signal)
    this.#console = new ConsoleForwarder(link, { view: this.id, signal })
    this.#box.theme = readTheme()
    watchTheme((theme) => {
      this.#box.theme = theme
      this.#page?.send({ kind: 'theme', theme })
    }, signal)
    if (link.isLive) this.#start()
    else this.#box.saved(RUN_AGAIN)
  }

  #start(): void {
    this.#link.listen(
      {
        welcome: (welcome) => this.#hear(welcome),
        dead: () => this.#loseKernel(),
        gone: () => this.#waitForServer(),
        stopped: (reason) => this.#stop(reason),
        cell: () => {
          if (this.#isStalled) this.#sayWhatStalls()
        },
        noted: ({ view, id }) => {
          if (view === this.id && id === this.#toldId) this.#told.abort()
        },
      },
      this.#signal,
    )
    this.#signal.addEventListener('abort', () => this.#end())
    this.#link.document.whenSaved(() => {
      if (this.#link.isLive) this.#link.send({ kind: 'saving', view: this.id })
    }, this.#signal)
    watchSleep(() => void this.#proveAgain(), this.#signal)
    void sendAgain(() => this.#link.isLive && this.#sendHello(), AbortSignal.any([this.#signal, this.#welcomed.signal]))
    if (this.#link.stopped !== null) this.#stop(this.#link.stopped)
    else if (this.#link.welcome !== null) this.#hear(this.#link.welcome)
    else void this.#sayThatItWaits()
  }

  async #sayThatItWaits(): Promise<void> {
    const isOver = await pause(QUIET_MS, this.#signal)
    if (isOver || this.#welcome !== null || this.#box.status !== 'waiting') return
    this.#box.say(`Waiting for the kernel. If nothing comes: ${RUN_AGAIN}`)
  }

  #sendHello(): boolean {
    return this.#link.send({ kind: 'hello', view: this.id })
  }

  #hear(welcome: Welcome): void {
    this.#welcomed.abort()
    const known = this.#welcome
    if (known?.height !== welcome.height) this.#box.height = welcome.height
    this.#welcome = welcome
    this.#mayAskUnheard = true
    for (const word of this.#words) word.abort()
    if (known !== null && isSame(known, welcome)) return
    this.#passedOver.clear()
    if (welcome.protocol !== PROTOCOL_VERSION) {
      const because = 'This notebook page and the kernel have different versions: save the notebook and reload the page'
      this.#showCard([], because)
    } else this.#resolve()
  }

  /**
   * Look for the server anew. What is on screen stays until something better has drawn.
   * @param isClicked the user asked for it, and allows what the browser would ask about
   */
  #resolve(isClicked = false): void {
    this.#search.abort()
    this.#search = new AbortController()
    const identity = this.#welcome === null ? null : identityOf(this.#welcome)
    if (this.#welcome === null || identity === null || this.#signal.aborted) return
    if (this.#link.isGone) {
      this.#waitForServer()
      return
    }
    if (isClicked) this.#passedOver.clear()
    this.#box.hush()
    this.#box.status = 'resolving'
    const signal = AbortSignal.any([this.#signal, this.#search.signal])
    this.#find({ welcome: this.#welcome, identity, isClicked, signal }).catch((error: unknown) => {
      if (!signal.aborted) this.#showCard([], `The search for the viewer failed: ${String(error)}`)
    })
  }

  async #find(wanted: {
    welcome: Welcome
    identity: Identity
    isClicked: boolean
    signal: AbortSignal
  }): Promise<void> {
    const outcome = await search({
      ...wanted,
      isThroughNotebook: this.#isThroughNotebook,
      view: this.id,
      link: this.#link,
      console: this.#console,
      stage: this.#box.stage,
      passedOver: this.#passedOver,
      events: {
        message: (page, message) => this.#onPage(page, message),
        moved: (page) => this.#bringBack(page),
        reloaded: (page) => this.#leave(page),
      },
      tellLoading: () => {
        this.#box.status = 'loading'
      },
      tellStalled: (isStalled) => this.#tellStalled(isStalled),
    })
    if (wanted.signal.aborted) return
    this.#outcome = outcome
    this.#tell(outcome.page, outcome.reports)
    if (outcome.page === null) this.#giveUp(outcome)
    // Those ranked lower may still be on their way; the kernel's report wants them all.
    const all = await outcome.settled
    if (!wanted.signal.aborted && all.length > outcome.reports.length) this.#tell(outcome.page, all)
  }

  #onPage(page: PageLink, message: PageMessage): void {
    switch (message.kind) {
      case 'drawn':
        this.#take(page)
        this.#box.drawn(this.#welcome?.viewerId ?? '', message.cells, page.kind)
        if (page.kind === 'tunnel') void this.#offerBetter(page)
        break
      case 'failed':
        // The page says the same itself, with room for it.
        this.#take(page)
        this.#box.fail(message.message)
        break
      case 'lost':
        this.#console.log('warning', `The page lost its server: ${message.reason}`)
        this.#leave(page)
        break
      case 'away':
        void this.#letComeBack(page, message.instanceId)
        break
      case 'console':
        this.#console.add(message.lines)
        break
      case 'resize':
        this.#box.height = message.height
        break
      default:
        assertNever(message)
    }
  }

  /** The new page has something to show: now the old one may go. */
  #take(page: PageLink): void {
    if (page === this.#page) return
    this.#page?.close()
    this.#page = page
    page.keep()
    page.iframe.className = 'drawn'
  }

  /** A page lost its server, or its frame was loaded anew: look again, once for each page. */
  #leave(page: PageLink): void {
    if (this.#left.has(page) || page.closed.aborted) return
    this.#left.add(page)
    if (page !== this.#page && page.base !== null) this.#passedOver.add(page.base)
    void this.#again()
  }

  /** A frame is empty, and its server is where it was: the server knows what was on screen. */
  #bringBack(page: PageLink | null): void {
    if (page !== null) {
      if (this.#left.has(page) || page.closed.aborted) return
      this.#left.add(page)
      page.close()
      if (page === this.#page) this.#page = null
    }
    if (this.#welcome === null) this.#box.saved(this.#stopped ?? RUN_AGAIN)
    else this.#resolve()
  }

  async #again(): Promise<void> {
    this.#search.abort()
    this.#search = new AbortController()
    const { signal } = this.#search
    const asked = this.#askKernel(signal)
    const isOver = await pause(this.#losses.count(), signal)
    const isInOrder = await asked
    if (isOver || signal.aborted) return
    if (isInOrder) this.#resolve()
    else if (!this.#link.isLive && this.#welcome !== null) this.#box.saved(`The kernel is gone. ${RUN_AGAIN}`)
  }

  /**
   * The kernel sees its server end before anybody else does: ask it before a port is asked that may be another's by now.
   * Where it is silent, as one that computes is, the port may be asked once, and again after each word of it.
   * @returns whether asking is in order
   */
  async #askKernel(signal: AbortSignal): Promise<boolean> {
    // A comm that throws is dead, and so is the server: it ends with its kernel.
    if (this.#link.isGone || !this.#link.isLive || !this.#sendHello()) return false
    const isHeard = await this.#hearWord(AbortSignal.any([signal, this.#signal]))
    this.#mayAskUnheard = isHeard
    return !this.#link.isGone && this.#link.isLive
  }

  async #hearWord(signal: AbortSignal): Promise<boolean> {
    const word = new AbortController()
    this.#words.add(word)
    const stop = AbortSignal.any([signal, word.signal])
    if (this.#mayAskUnheard) await pause(KERNEL_WORD_MS, stop)
    else await sendAgain(() => this.#link.isLive && this.#sendHello(), stop)
    this.#words.delete(word)
    return word.signal.aborted
  }

  /** A page's connection broke. It comes back to the same server process, once for each word of the kernel, or not at all. */
  async #letComeBack(page: PageLink, instanceId: string): Promise<void> {
    const isInOrder = await this.#askKernel(page.closed)
    const isSameServer = this.#welcome?.instanceId === instanceId
    if (isInOrder && isSameServer && !page.closed.aborted) page.send({ kind: 'comeBack' })
  }

  /** Nothing is asked until the kernel says where the next server is, or that there will be none. */
  #waitForServer(): void {
    this.#search.abort()
    if (this.#page === null) this.#box.say('The viewer’s server has ended; the kernel starts another one.')
  }

  /** After a sleep the server may be gone without the page having noticed. */
  async #proveAgain(): Promise<void> {
    const page = this.#page
    const identity = this.#welcome === null ? null : identityOf(this.#welcome)
    if (page === null || page.base === null || identity === null || this.#link.isGone) return
    const { origin, ancestors } = await readPageFacts()
    const signal = this.#signal
    const { verdict } = await probe(page.base, identity, {
      standpoint: { origin, ancestors },
      signal,
      timeoutMs: PROBE_TIMEOUT_MS,
    })
    if (verdict !== 'proven' && this.#page === page && !signal.aborted) this.#leave(page)
  }

  /** Until the kernel has noted it, or there is something newer to tell: its report is what the user reads. */
  #tell(page: PageLink | null, reports: SearchOutcome['reports']): void {
    this.#told.abort()
    this.#told = new AbortController()
    this.#toldId = this.#link.nextRequestId()
    const message = {
      kind: 'resolved',
      view: this.id,
      id: this.#toldId,
      transport: page?.kind ?? null,
      base: page?.base ?? null,
      candidates: reports,
      pageOrigin: window.origin,
      isShared: this.#link.document.isShared,
    } as const
    void sendAgain(
      () => this.#link.isLive && this.#link.send(message),
      AbortSignal.any([this.#signal, this.#told.signal]),
    )
  }

  #tellStalled(isStalled: boolean): void {
    this.#isStalled = isStalled
    this.#sayWhatStalls()
  }

  #sayWhatStalls(): void {
    const waitsFor = !this.#isStalled ? null : this.#link.cellRuns ? 'cell' : 'kernel'
    if (this.#page !== null) this.#page.send({ kind: 'stalled', waitsFor })
    else if (waitsFor === 'cell') this.#box.say('Waiting for the running cell: the viewer appears when it ends.')
    else if (waitsFor === 'kernel') this.#box.say('Waiting for the kernel, which has not answered for a while.')
    else this.#box.hush()
  }

  /** A picture through the notebook is not changed for another without a click. */
  async #offerBetter(page: PageLink): Promise<void> {
    const hide = { label: 'Hide', run: () => this.#box.hush() }
    if (this.#outcome?.canClick) this.#box.say('Shown through the notebook.', [this.#connectDirectly, hide])
    else {
      const isOver = await pause(SECOND_LOOK_MS, page.closed)
      const worksNow = !isOver && (await this.#outcome?.worksNow())
      if (!worksNow || page.closed.aborted || this.#page !== page) return
      const use = { label: 'Use it', run: () => this.#resolve() }
      this.#box.say('Shown through the notebook. A faster connection works now.', [use, hide])
    }
  }

  get #connectDirectly(): Action {
    return { label: 'Connect directly (your browser will ask)', run: () => this.#resolve(true) }
  }

  #giveUp({ reports }: SearchOutcome): void {
    // A picture from before says more than a list of what failed.
    if (this.#page !== null && !this.#link.isLive) this.#box.saved(`The kernel is gone. ${RUN_AGAIN}`)
    else this.#showCard(reports)
  }

  #showCard(reports: SearchOutcome['reports'], because?: string): void {
    const { port = 0, hints = {}, override = null } = this.#welcome ?? {}
    const forced = this.#isThroughNotebook ? null : override
    const obstacle: Obstacle = {
      reports,
      port,
      hints,
      override: forced,
      isLive: this.#link.isLive,
      canClick: this.#outcome?.canClick === true,
      ...(because === undefined ? {} : { because }),
    }
    this.#box.card(card(obstacle, this.#actions(forced)), headline(obstacle))
  }

  #actions(forced: string | null): Action[] {
    const actions: Action[] = [{ label: 'Try again', run: () => this.#resolve() }]
    if (this.#outcome?.canClick) actions.unshift(this.#connectDirectly)
    if (forced !== null && this.#link.isLive) {
      const run = () => {
        this.#isThroughNotebook = true
        this.#resolve()
      }
      actions.push({ label: 'Show through the notebook instead', run })
    }
    return actions
  }

  /** The comm died. A page that came over HTTP may live on, and says when it does not. */
  #loseKernel(): void {
    if (this.#welcome === null) this.#box.saved(RUN_AGAIN)
    else if (this.#page?.kind === 'tunnel') this.#stop(`The kernel is gone. ${RUN_AGAIN}`)
  }

  /** There will be nothing new; what is on screen stays. */
  #stop(reason: string): void {
    this.#search.abort()
    this.#told.abort()
    this.#welcome = null
    this.#stopped = reason
    this.#box.saved(reason)
  }

  #end(): void {
    this.#search.abort()
    this.#page?.close()
    if (this.#link.isLive) this.#link.send({ kind: 'bye', view: this.id })
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
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
