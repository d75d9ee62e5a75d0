import { ProtocolError } from '../../protocol/errors.ts'
import { type InstanceId, type Nonce, type PageKey, parsePageKey, type ViewerId } from '../../protocol/probe.ts'
import { type Authority, authorityText, isLoopback } from '../access/authority.ts'
import type { Allow } from '../access/gate.ts'
import { type KeyHolder, PageKeys } from '../access/page-keys.ts'
import { RefusedTokens } from '../access/refused-tokens.ts'
import type { Exposure } from '../access/served-hosts.ts'
import { Tickets } from '../access/tickets.ts'
import { Viewer, type ViewerParts } from './viewer.ts'

/** What a page and this server both know; `open` once the page has proven that, `null` when it is good no more. */
export type PageSecret = {
  key: Uint8Array
  /** @param pageKey the key that both derived; `null`: the page keeps the one that it came with */
  open(pageKey: PageKey | null): KeyHolder | null
}

/** All viewers of this server, and what the gate asks about them. */
export class Viewers {
  readonly instanceId: InstanceId
  readonly keys = new PageKeys()
  readonly tickets = new Tickets()
  readonly #viewers = new Map<ViewerId, Viewer>()
  readonly #refusals = new RefusedTokens()
  readonly #sourceGone: (sourceId: string) => void
  #exposure: Exposure | null = null

  /** @param sourceGone called when the last viewer of a dataset has ended: what is kept of it serves nobody */
  constructor(instanceId: InstanceId, sourceGone: (sourceId: string) => void = () => undefined) {
    this.instanceId = instanceId
    this.#sourceGone = sourceGone
  }

  get all(): readonly Viewer[] {
    return [...this.#viewers.values()]
  }

  get(id: ViewerId): Viewer | null {
    return this.#viewers.get(id) ?? null
  }

  /** @throws ProtocolError `unknown_viewer` */
  need(id: string): Viewer {
    const viewer = this.#viewers.get(id as ViewerId) // a text that is no id is simply not in the map
    if (viewer !== undefined) return viewer
    throw new ProtocolError(
      'unknown_viewer',
      'This server has no such viewer: it was stopped. Run the cell or the command again.',
    )
  }

  /** @throws ProtocolError `bad_request` when the id is taken */
  open(parts: Omit<ViewerParts, 'instanceId'>): Viewer {
    if (this.#viewers.has(parts.id)) throw new ProtocolError('bad_request', `Viewer ${parts.id} is open already.`)
    const viewer = new Viewer({ ...parts, instanceId: this.instanceId })
    this.#viewers.set(parts.id, viewer)
    return viewer
  }

  /** Its keys die at once; the rest ends in the background. */
  async close(id: ViewerId, reason: string): Promise<void> {
    const viewer = this.#viewers.get(id)
    this.#viewers.delete(id)
    this.#refusals.forget(id)
    this.keys.revoke(id)
    const sourceId = viewer?.openedSource?.id
    await viewer?.close(reason)
    const isShown = this.all.some(({ openedSource }) => openedSource?.id === sourceId)
    if (sourceId !== undefined && !isShown) this.#sourceGone(sourceId)
  }

  async closeAll(reason: string): Promise<void> {
    await Promise.all(this.all.map((viewer) => this.close(viewer.id, reason)))
  }

  /**
   * Trade a secret for a page key: the viewer's token, a one-time one, or the key of a page that is being loaded again,
   * which ends with that.
   * @returns `null` for a wrong secret or an unknown viewer, which look the same
   */
  trade(id: ViewerId, secret: string): PageKey | null {
    const viewer = this.get(id)
    const former = this.#pageOf(id, secret)
    if (viewer === null || (former === null && !viewer.admits(secret))) return null
    return this.#makePage(viewer, former).key
  }

  /**
   * What opens a page of this viewer, by its public name: a token, or the key of a page that comes back.
   * @param nonce of the frame that a token is for
   */
  secretNamed(id: ViewerId, name: string, nonce: Nonce | null): PageSecret | null {
    const viewer = this.get(id)
    if (viewer === null) return null
    const former = this.keys.named(id, name)
    if (former !== null) return { key: former.key, open: (pageKey) => this.#comeBack(viewer, former, pageKey) }
    const secret = viewer.secretNamed(name, nonce)
    if (secret === null) return null
    const open: PageSecret['open'] = (pageKey) =>
      pageKey !== null && secret.take() ? this.#makePage(viewer, null, pageKey).holder : null
    return { key: secret.key, open }
  }

  /** @param pageKey of the page that was loaded again in its place; `null`: the same page comes back */
  #comeBack(viewer: Viewer, former: KeyHolder, pageKey: PageKey | null): KeyHolder | null {
    if (!this.keys.has(former.id)) return null
    if (pageKey !== null) return this.#makePage(viewer, former, pageKey).holder
    this.keys.touch(former.id)
    return former
  }

  /** @param former the page that was loaded again, and ends with that */
  #makePage(viewer: Viewer, former: KeyHolder | null, pageKey?: PageKey | null): { key: PageKey; holder: KeyHolder } {
    if (former !== null) {
      this.keys.remove(former.id)
      viewer.dropPage(former.id, 'This page was loaded again.')
    }
    const { key, holder, evicted } = this.keys.make(viewer.id, pageKey ?? undefined)
    if (evicted !== null) viewer.dropPage(evicted.id, TOO_MANY)
    return { key, holder }
  }

  /** Whose key this is, if it is one of this viewer's. */
  #pageOf(id: ViewerId, secret: string): KeyHolder | null {
    const key = parsePageKey(secret)
    const holder = key === null ? null : this.keys.find(key)
    return holder?.viewerId === id ? holder : null
  }

  /** Count a refused token. @returns how long its answer should wait; never a lock-out */
  refusedTokenDelay(id: ViewerId, peer: string): number {
    return this.#viewers.has(id) ? this.#refusals.delayFor(id, peer) : this.#refusals.delayFor(peer)
  }

  /** From now on other machines reach this server too: by these names, and nothing of it without a viewer's name. */
  expose(exposure: Exposure): void {
    this.#exposure = exposure
  }

  /** May this viewer's pages come under this name? */
  isReachedBy(host: Authority, id: ViewerId): boolean {
    return isLoopback(host) || this.allow.isServed(host) || this.allow.knowsHost(host, id)
  }

  /** The gate's view. */
  readonly allow: Allow = {
    viewerOfCapability: (key) => this.all.find(({ hosted }) => hosted?.admits(key))?.id ?? null,
    holderOf: (key) => this.keys.find(key),
    holderOfTicket: (ticket) => {
      const holder = this.tickets.holderOf(ticket)
      return holder !== null && this.keys.has(holder.id) ? holder : null
    },
    isServed: (host) => this.#exposure?.hosts.has(authorityText(host)) ?? false,
    answersTo: (id) => this.#exposure === null || (id !== null && (this.#viewers.has(id) || this.#exposure.admits(id))),
    knowsHost: (host, id) => this.#some(id, (viewer) => viewer.learnt.knowsHost(host)),
    knowsOrigin: (origin, id) => this.#some(id, (viewer) => viewer.learnt.knowsOrigin(origin)),
    isSigned: (probe) => this.get(probe.viewerId)?.isSigned(probe) ?? false,
  }

  #some(id: ViewerId | null, test: (viewer: Viewer) => boolean): boolean {
    if (id === null) return this.all.some(test)
    const viewer = this.get(id)
    return viewer !== null && test(viewer)
  }
}

const TOO_MANY = 'Too many pages show this viewer; this one was the longest unused.'
