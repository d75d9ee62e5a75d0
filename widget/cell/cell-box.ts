/// <reference path="../css.d.ts" />
import type { CandidateKind } from '../../protocol/comm.ts'
import { makeStage } from '../frame/stage.ts'
import type { Theme } from './theme.ts'
import css from './widget.css'

export type CellStatus = 'waiting' | 'resolving' | 'loading' | 'ready' | 'card' | 'saved'

/** A button under a sentence or on a card. */
export type Action = { label: string; run: () => void }

/** CSS pixels; what the kernel says comes with `welcome`. */
const DEFAULT_HEIGHT = 600

/** In the place of the picture; never a blank box. */
const WAITING_WORDS: Partial<Record<CellStatus, string>> = {
  waiting: 'Waiting for the kernel …',
  resolving: 'Looking for the viewer’s server …',
  loading: 'Loading the viewer …',
}

/**
 * The viewer's box in the notebook cell: a stage for frames, one line of text, a place for the card. All inside a shadow
 * root, since notebooks style bare elements; the outside sees the state as data attributes, and never a secret.
 */
export class CellBox {
  readonly root = document.createElement('div')
  /** Frames go here, the newest last. */
  readonly stage = makeStage()
  readonly #shadow: ShadowRoot
  readonly #notice = element('div', 'notice')
  readonly #card = element('section', 'card')
  readonly #waiting = element('p', 'waiting')

  constructor(el: HTMLElement, signal: AbortSignal) {
    this.root.className = 'cellucid-notebook'
    this.#shadow = this.root.attachShadow({ mode: 'open' })
    const style = document.createElement('style')
    style.textContent = css
    this.#notice.setAttribute('role', 'status')
    this.#notice.hidden = true
    this.#waiting.setAttribute('role', 'status')
    this.stage.append(this.#waiting)
    this.#card.setAttribute('aria-label', 'Why the viewer is not shown')
    this.#card.setAttribute('aria-live', 'polite')
    this.#card.hidden = true
    this.#shadow.append(style, this.#notice, this.stage, this.#card)
    this.height = DEFAULT_HEIGHT
    this.status = 'waiting'
    el.append(this.root)
    signal.addEventListener('abort', () => this.root.remove())
  }

  set status(status: CellStatus) {
    this.root.dataset.cellucidStatus = status
    this.#waiting.textContent = this.#hasPicture ? '' : (WAITING_WORDS[status] ?? '')
  }

  get status(): CellStatus {
    return this.root.dataset.cellucidStatus as CellStatus // only written by the setter above
  }

  set theme(theme: Theme) {
    this.root.dataset.theme = theme
  }

  /** CSS pixels. */
  set height(height: number) {
    this.root.style.setProperty('--cellucid-height', `${Math.max(120, Math.round(height))}px`)
  }

  /** The first picture stands; `readyAt` is in milliseconds since the epoch. */
  drawn(viewerId: string, cells: number, transport: CandidateKind): void {
    this.root.dataset.cellucidViewer = viewerId
    this.root.dataset.cellucidTransport = transport
    this.root.dataset.cellucidCells = String(cells)
    this.root.dataset.cellucidReadyAt = String(performance.timeOrigin + performance.now())
    delete this.root.dataset.cellucidReason
    this.status = 'ready'
    this.hush()
  }

  /** One line above the picture, or in its place. */
  say(sentence: string, actions: readonly Action[] = []): void {
    this.#notice.replaceChildren(sentence, ...actions.map(button))
    this.#notice.hidden = false
  }

  /** Take line and card away, and make room for the picture. */
  hush(): void {
    this.#notice.hidden = true
    this.#notice.replaceChildren()
    this.#card.hidden = true
    this.#card.replaceChildren()
    this.stage.hidden = false
  }

  /** What was drawn stays; without it the notebook's own saved picture, which is hidden beside a live one, takes its place. */
  #keepPicture(): void {
    this.stage.hidden = !this.#hasPicture
    if (!this.#hasPicture) delete this.root.dataset.cellucidReadyAt
  }

  get #hasPicture(): boolean {
    return this.stage.querySelector('iframe.drawn') !== null
  }

  /** The page has nothing to show and says why itself. */
  fail(reason: string): void {
    this.hush()
    this.status = 'card'
    this.root.dataset.cellucidReason = reason
  }

  /** The cell has nothing live to show, and says so in one line that takes no more room than itself. */
  saved(sentence: string): void {
    this.status = 'saved'
    this.#card.hidden = true
    this.#keepPicture()
    this.say(sentence)
  }

  /** Something is in the way: `content` says what, `reason` the same in one line for whoever reads the attributes. */
  card(content: readonly Node[], reason: string): void {
    this.fail(reason)
    this.#keepPicture()
    this.#card.replaceChildren(...content)
    this.#card.hidden = false
  }
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag)
  if (className !== '') node.className = className
  node.append(...children)
  return node
}

export function button({ label, run }: Action): HTMLButtonElement {
  const node = element('button', '', label)
  node.type = 'button'
  node.addEventListener('click', run)
  return node
}
