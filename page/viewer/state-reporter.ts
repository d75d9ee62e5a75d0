import { effect, untracked } from '@preact/signals'
import { HIDDEN, highlightSet, SELECTION } from '../../protocol/state.ts'
import { colorLabel, isSameColor } from '../columns/colorable.ts'
import type { ChannelClient } from '../connection/channel-client.ts'
import { groupSet, pageState } from '../state/saved-state.ts'
import type { Store } from '../state/store.ts'

type CellGroups = ReadonlyMap<string, Uint32Array>

/** So long after the last change a state counts as settled. */
const SETTLE_MS = 300

/**
 * Tells the server what this page shows, so that a reload, a second tab or another transport starts there, and the
 * kernel what the user did. Reads the store by effect; nothing is told before {@link Reporter.begin}.
 */
export class Reporter {
  readonly #store: Store
  readonly #channel: Pick<ChannelClient, 'event' | 'selection' | 'cellSet' | 'state'>
  #hasBegun = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #reported = ''

  constructor(store: Store, channel: Pick<ChannelClient, 'event' | 'selection' | 'cellSet' | 'state'>) {
    this.#store = store
    this.#channel = channel
  }

  /** From now on; what is on screen is where the viewer was left, so the first look at each signal tells nothing. */
  begin(): void {
    const { selection, hiddenCells, highlights, groups, color, embedding } = this.#store
    this.#hasBegun = true
    effect(() => {
      pageState(this.#store)
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.flush(), SETTLE_MS)
    })
    this.#onChange(selection, ({ cells, source }) => {
      // A selection that the user did not make is no event, but kept for the next page.
      if (source === 'command' || source === 'state') this.#cellSet(SELECTION, cells)
      else this.#channel.selection(cells, this.#cellCount, source)
    })
    this.#onChange(hiddenCells, (cells) => this.#cellSet(HIDDEN, cells))
    this.#onChange(this.#store.visibleCells, (visibleCells) => {
      this.#channel.event({ kind: 'visibility', visibleCells })
    })
    this.#onChange(highlights, (now, before) => this.#tellSets(now, before, highlightSet))
    this.#onChange(groups, (now, before) => this.#tellSets(now, before, groupSet))
    this.#onChange(color, (now, before) => {
      if (isSameColor(now?.by ?? null, before?.by ?? null)) return
      const by = now?.by ?? null
      const field = by === null ? null : colorLabel(by)
      this.#channel.event({ kind: 'colorBy', field, matrix: by === null || by.axis === 'obs' ? null : by.matrix })
    })
    this.#onChange(embedding, (now) => {
      if (now !== null) this.#channel.event({ kind: 'embedding', name: now.key, dimensions: now.dimensions })
    })
  }

  /** Tell the state at once, before a command that changed it is acknowledged. */
  flush(): void {
    clearTimeout(this.#timer)
    if (!this.#hasBegun) return
    const state = untracked(() => pageState(this.#store))
    const text = JSON.stringify(state)
    if (text === this.#reported) return
    this.#reported = text
    this.#channel.state(state)
  }

  get #cellCount(): number {
    return this.#store.cellCount.peek()
  }

  #cellSet(name: string, cells: Uint32Array): void {
    this.#channel.cellSet(name, cells, this.#cellCount)
  }

  #tellSets(now: CellGroups, before: CellGroups, nameOf: (key: string) => string): void {
    for (const key of before.keys()) if (!now.has(key)) this.#cellSet(nameOf(key), new Uint32Array(0))
    for (const [key, cells] of now) if (before.get(key) !== cells) this.#cellSet(nameOf(key), cells)
  }

  #onChange<Value>(source: { readonly value: Value }, tell: (now: Value, before: Value) => void): void {
    let before: Value | undefined
    let isFirst = true
    effect(() => {
      const now = source.value
      untracked(() => {
        if (!isFirst) tell(now, before as Value) // set by the run before this one
      })
      isFirst = false
      before = now
    })
  }
}
