import type { DataSource } from '../../data/data-source.ts'
import type { CellsHead } from '../../protocol/cells.ts'
import { CLOSE_CODES, type ServerMessage } from '../../protocol/channel.ts'
import type { Command } from '../../protocol/commands.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { ViewerEvent } from '../../protocol/events.ts'
import { frameToken, linkToken, nameOf } from '../../protocol/handshake.ts'
import {
  equalInConstantTime,
  healthText,
  type InstanceId,
  type Nonce,
  probeText,
  sign,
  type ViewerId,
  type ViewerToken,
} from '../../protocol/probe.ts'
import { type PageState, SELECTION } from '../../protocol/state.ts'
import type { Authority } from '../access/authority.ts'
import type { SignedProbe } from '../access/gate.ts'
import { OneTimeTokens } from '../access/one-time-tokens.ts'
import { Learnt, type Lesson } from '../access/proven-locations.ts'
import { digest, sameDigest } from '../access/secret-digest.ts'
import { LIMITS } from '../process/limits.ts'
import { ConsoleRing } from './console-ring.ts'
import { DataWatch } from './data-watch.ts'
import type { HostedPage } from './hosted-page.ts'
import { Backlog } from './kernel-backlog.ts'
import type { KernelLink, Notification, NotifyOptions } from './kernel-notifier.ts'
import type { KernelPulse } from './kernel-status.ts'
import { Outbox } from './outbox.ts'
import { PageChannel } from './page-channel.ts'
import type { PageOwner } from './page-owner.ts'
import { SortingWatch } from './sort-progress.ts'
import { ViewerState } from './viewer-state.ts'

export type ViewerParts = {
  id: ViewerId
  token: ViewerToken
  instanceId: InstanceId
  kernel: KernelLink
  /** Opened, or on its way, or refused. */
  source: Promise<DataSource>
  /** By which the kernel knows it; `null`: it is none of the kernel's. */
  kernelSourceIds?: readonly string[]
  /** Whether the kernel answers that source's reads. */
  pulse: KernelPulse
  /** What a server before this one knew. */
  state: PageState | null
  savesPictures: boolean
  /** `null`: the embedded page shows it. */
  hosted?: HostedPage | null
}

/** One viewer: its secret, its dataset, its pages, and what they all have in common. */
export class Viewer implements PageOwner<PageChannel> {
  readonly id: ViewerId
  readonly instanceId: InstanceId
  readonly source: Promise<DataSource>
  /** The same once it is there. */
  openedSource: DataSource | null = null
  readonly pulse: KernelPulse
  readonly savesPictures: boolean
  readonly hosted: HostedPage | null
  readonly sorting: SortingWatch
  readonly data: DataWatch
  readonly kernelSourceIds: readonly string[]
  readonly state: ViewerState
  readonly outbox: Outbox
  readonly learnt = new Learnt()
  readonly console = new ConsoleRing()
  readonly backlog = new Backlog()
  readonly oneTimeTokens = new OneTimeTokens()
  readonly #token: ViewerToken
  /** Secrets that open any number of pages: the token, which only kernel and widget know, and that of the links. */
  readonly #standing: readonly { key: Buffer; name: string }[]
  readonly #kernel: KernelLink
  readonly #usedNonces = new Set<Nonce>()
  /** By the id of the key. The last one touched, else the last to come, is primary. */
  readonly #pages = new Map<string, PageChannel>()
  #primary: PageChannel | null = null
  /** Commands are resolved one after the other, so that none overtakes another. */
  #lastCommand: Promise<void> = Promise.resolve()
  readonly #ended = new AbortController()

  constructor(parts: ViewerParts) {
    const { id, token, instanceId, kernel, source, pulse, state, savesPictures, hosted } = parts
    this.id = id
    this.instanceId = instanceId
    this.source = source
    this.kernelSourceIds = parts.kernelSourceIds ?? []
    source.then(
      (opened) => {
        this.openedSource = opened
      },
      () => undefined, // whoever asks for it hears why
    )
    this.pulse = pulse
    this.savesPictures = savesPictures
    this.hosted = hosted ?? null
    this.sorting = new SortingWatch(source, (sorting) => {
      this.tellPages({ kind: 'sorting', ...sorting })
      this.notify({ method: 'viewer.sorting', params: { viewerId: id, done: sorting.done } }, undefined, 'sorting')
    })
    this.data = new DataWatch(source, (news) => this.tellPages({ kind: 'data', ...news }))
    this.state = new ViewerState(state)
    this.outbox = new Outbox()
    this.#token = token
    this.#standing = [token, linkToken(token, id, instanceId)].map((secret) => {
      const key = digest(secret)
      return { key, name: nameOf(key) }
    })
    this.#kernel = kernel
  }

  /** Aborts when the viewer ends. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  get pages(): readonly PageChannel[] {
    return [...this.#pages.values()]
  }

  get openPages(): number {
    return this.pages.filter((page) => page.isOpen).length
  }

  get primaryPage(): PageChannel | null {
    if (this.#primary?.isOpen === true) return this.#primary
    return this.pages.findLast((page) => page.isOpen) ?? null
  }

  /** May whoever shows this open a page? A one-time token is used up by the question. */
  admits(token: string): boolean {
    const sum = digest(token)
    return this.#standing.some(({ key }) => sameDigest(key, sum)) || this.oneTimeTokens.take(token)
  }

  /**
   * A secret that opens a page, by its public name. `take` uses it up where it is good once, and says whether it was.
   * @param nonce of the frame that it is for, if it is for one
   */
  secretNamed(name: string, nonce: Nonce | null): { key: Uint8Array; take(): boolean } | null {
    const standing = this.#standing.find((secret) => secret.name === name)
    if (standing !== undefined) return { key: standing.key, take: () => true }
    const once = this.oneTimeTokens.named(name)
    if (once !== null) return { key: once, take: () => this.oneTimeTokens.takeDigest(once) }
    return nonce === null ? null : this.#frameSecret(name, nonce)
  }

  #frameSecret(name: string, nonce: Nonce): { key: Uint8Array; take(): boolean } | null {
    const isFree = () => !this.#usedNonces.has(nonce) && this.#usedNonces.size < LIMITS.noncesPerViewer
    const key = digest(frameToken(this.#token, { viewerId: this.id, instanceId: this.instanceId, nonce }))
    if (!isFree() || nameOf(key) !== name) return null
    const take = () => {
      const isGood = isFree()
      this.#usedNonces.add(nonce)
      return isGood
    }
    return { key, take }
  }

  /** The mac holds and the nonce is new. */
  isSigned(probe: SignedProbe): boolean {
    if (this.#usedNonces.has(probe.nonce) || this.#usedNonces.size >= LIMITS.noncesPerViewer) return false
    const { instanceId } = this
    return equalInConstantTime(probe.mac, sign(this.#token, probeText({ ...probe, instanceId })))
  }

  /** Learn from a probe that {@link isSigned}, once; the kernel hears that the widget is there. */
  learn(host: Authority, probe: SignedProbe): Lesson | null {
    this.#usedNonces.add(probe.nonce)
    const lesson = this.learnt.learn(host, probe)
    if (lesson !== null) this.notify({ method: 'viewer.seen', params: { viewerId: this.id, base: lesson.base } })
    return lesson
  }

  /** The server's half of the proof. */
  proof(nonce: Nonce): string {
    return sign(this.#token, healthText(this.id, nonce, this.instanceId))
  }

  /** The page that holds this key, made at its first hello. */
  page(keyId: string): PageChannel {
    const known = this.#pages.get(keyId)
    if (known !== undefined) return known
    const page = new PageChannel(keyId, this)
    this.#pages.set(keyId, page)
    return page
  }

  /** Its key died: another page has taken its place. */
  dropPage(keyId: string, reason: string): void {
    const page = this.#pages.get(keyId)
    this.#pages.delete(keyId)
    page?.end(CLOSE_CODES.unknownKey, reason)
  }

  pagesChanged(): void {
    const params = { viewerId: this.id, pages: this.openPages }
    this.notify({ method: 'viewer.pages', params }, undefined, 'pages')
    this.data.watch(this.openPages > 0)
    this.#offerAll(this.primaryPage)
    this.tellCompany()
  }

  /** Tell each page whose pages the others are, as far as they have names. */
  tellCompany(): void {
    const open = this.pages.filter((page) => page.isOpen)
    const names = [...new Set(open.flatMap(({ user }) => user ?? []))].sort()
    for (const page of open) page.tellCompany(page.user === null ? [] : names.filter((name) => name !== page.user))
  }

  /** The user touched this page: it alone answers what only one page can. */
  touch(page: PageChannel): void {
    if (this.#primary === page) return
    this.#primary = page
    this.#offerAll(page)
  }

  /** Queue a command for the pages. @throws ProtocolError `overloaded`; `unknown_column` where a colour is none */
  addCommand(seq: number, command: Command, body: Uint8Array): Promise<void> {
    if (command.kind === 'requestSessionBundle') this.hosted?.awaitSession(command.requestId)
    const added = this.#lastCommand.then(async () => {
      const resolved = await this.#resolve(command)
      if (this.ended.aborted) return
      const waiting = { seq, command: resolved, body }
      for (const replaced of this.outbox.add(waiting)) this.#settled(replaced.seq, true)
      for (const page of this.pages) page.offer(waiting)
    })
    this.#lastCommand = added.catch((error: unknown) => {
      this.#tellAck(seq, false, messageOf(error))
    })
    return this.#lastCommand
  }

  acknowledge(seq: number, ok: boolean, reason?: string): void {
    if (this.outbox.settle(seq)) this.#settled(seq, ok, reason)
  }

  /** A page said what misses its schema: the kernel hears it, and so does who looks at a page. */
  refusePage(call: string, miss: string): void {
    const reason = `The page's ${call} cannot be read (${miss}). Reload the notebook page.`
    this.notify({ method: 'viewer.refused', params: { viewerId: this.id, call, reason } }, undefined, `refused/${call}`)
    this.tellPages({ kind: 'refused', reason })
  }

  /** A command misses its schema: it is answered, as one that a page could not do, and pages show why. */
  refuseCommand(seq: number, call: string, miss: string): void {
    const reason = `The kernel's ${call} cannot be read (${miss}). Check its arguments, or restart the kernel.`
    this.#tellAck(seq, false, reason)
    this.tellPages({ kind: 'refused', reason })
  }

  /** The kernel tells when it is done; of one that does not answer there is nothing to say here. */
  giveBack(): void {
    const given = this.source.then((source) => source.giveBack(this.ended))
    given.catch((error: unknown) => this.console.warn(`Memory was not given back: ${String(error)}`))
  }

  keepState(page: PageState): void {
    this.state.setPage(page)
    this.notify({ method: 'viewer.state', params: { viewerId: this.id, state: page } }, undefined, 'state')
  }

  /** @param cells checked to fit `body` */
  keepCells(name: string, cells: CellsHead, body: Uint8Array): void {
    this.state.setCells(name, cells, body)
    const params = { viewerId: this.id, name, cells }
    this.notify({ method: 'viewer.cellSet', params }, body, `cells/${name}`)
  }

  /** A set of cells that the kernel brings back after a restart: pages that are already here get it too. */
  restoreCells(name: string, cells: CellsHead, body: Uint8Array): void {
    this.state.setCells(name, cells, body)
    this.tellPages({ kind: 'cellSet', name, cells }, body)
  }

  tellPages(message: ServerMessage, body?: Uint8Array): void {
    for (const page of this.pages) page.send(message, body)
  }

  /** A selection is also kept for the next page; the kernel keeps it from the event, so that its cells travel once. */
  forwardEvent(id: string, event: ViewerEvent, body: Uint8Array): void {
    const replaces = event.kind === 'hover' ? 'hover' : undefined
    this.notify({ method: 'viewer.event', params: { viewerId: this.id, id, event } }, body, replaces)
    if (event.kind === 'selection') this.state.setCells(SELECTION, event.cells, body)
  }

  /** @param png bulk: it waits for all else; of pictures for the notebook only the last */
  sendSnapshot(requestId: string | null, png: Uint8Array): void {
    const message = { method: 'viewer.snapshot', params: { viewerId: this.id, requestId } } as const
    const replaces: NotifyOptions = requestId === null ? { replaces: `${this.id}/snapshot` } : {}
    this.#track(png.byteLength, this.#kernel.notify(message, png, { ...replaces, isBulk: true }))
  }

  /** @param replaces the same of this viewer that still waits is replaced */
  notify(message: Notification, body?: Uint8Array, replaces?: string): void {
    const options = replaces === undefined ? {} : { replaces: `${this.id}/${replaces}` }
    this.#track(body?.byteLength ?? 0, this.#kernel.notify(message, body, options))
  }

  /** What is too large for the kernel is missing there, and the report says so. */
  #track(bytes: number, sent: Promise<void>): void {
    const told = sent.catch((error: unknown) => this.console.warn(`The kernel was not told: ${String(error)}`))
    void this.backlog.track(bytes, told)
  }

  /** End it: channels close with 1001, the source closes, waiting reads end. Its keys are revoked by its registry. */
  async close(reason: string): Promise<void> {
    this.#ended.abort(new DOMException(reason, 'AbortError'))
    this.sorting.stop()
    this.data.stop()
    for (const page of this.pages) page.end(CLOSE_CODES.stopped, reason)
    this.#pages.clear()
    await this.hosted?.close()
    const source = await this.source.catch(() => null)
    await source?.close()
  }

  async #resolve(command: Command): Promise<Command> {
    if (command.kind !== 'setColorBy' || command.color !== undefined) return command
    if (command.field === null) return { ...command, color: null }
    const source = await this.source
    return { ...command, color: await source.resolveColor(command.field, command.matrix ?? null, this.ended) }
  }

  #offerAll(page: PageChannel | null): void {
    for (const waiting of this.outbox.waiting) page?.offer(waiting)
  }

  #settled(seq: number, ok: boolean, reason?: string): void {
    for (const page of this.pages) page.settled(seq)
    this.#tellAck(seq, ok, reason)
  }

  #tellAck(seq: number, ok: boolean, reason?: string): void {
    const params = { viewerId: this.id, seq, ok, ...(reason === undefined ? {} : { reason }) }
    this.notify({ method: 'viewer.ack', params })
  }
}
