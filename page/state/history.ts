import { batch, effect, type Signal, signal, untracked } from '@preact/signals'
import { type Store, type StoreValues, setValues, valuesOf } from './store.ts'

/** Changes of the same kind that follow so closely are one: a slider that is dragged, a colour that is mixed. */
const ONE_CHANGE_MS = 400
/** Each may hold a selection of its own: of a million cells these are 80 MB at worst. */
const MAX_MOMENTS = 20

/** What can be undone. */
const WATCHED = ['selection', 'filters', 'hiddenCells', 'groups', 'categoryColors', 'scales', 'asCategories'] as const
type Moment = StoreValues<(typeof WATCHED)[number]>

/** The user's changes of what is selected, hidden, grouped and coloured, back and forth. */
export class History {
  readonly #store: Store
  readonly #past = signal<readonly Moment[]>([])
  readonly #future = signal<readonly Moment[]>([])
  #now: Moment
  #last = { what: '', at: Number.NEGATIVE_INFINITY }
  #isTravelling = false

  constructor(store: Store) {
    this.#store = store
    this.#now = untracked(() => momentOf(store))
  }

  get canUndo(): boolean {
    return this.#past.value.length > 0
  }

  get canRedo(): boolean {
    return this.#future.value.length > 0
  }

  /** What is on screen now cannot be undone; what comes after can. @returns stops watching */
  begin(): () => void {
    this.#now = untracked(() => momentOf(this.#store))
    return effect(() => {
      const now = momentOf(this.#store)
      untracked(() => this.#keep(now))
    })
  }

  undo(): void {
    this.#travel(this.#past, this.#future)
  }

  redo(): void {
    this.#travel(this.#future, this.#past)
  }

  #keep(now: Moment): void {
    const before = this.#now
    const what = WATCHED.filter((name) => now[name] !== before[name]).join(' ')
    this.#now = now
    if (what === '' || this.#isTravelling) return
    const at = performance.now()
    const isSameChange = what === this.#last.what && at - this.#last.at < ONE_CHANGE_MS
    this.#last = { what, at }
    // What was before a drag began is kept already.
    if (!isSameChange) this.#past.value = [...this.#past.value, before].slice(-MAX_MOMENTS)
    this.#future.value = []
  }

  #travel(from: Signal<readonly Moment[]>, to: Signal<readonly Moment[]>): void {
    const target = from.value.at(-1)
    if (target === undefined) return
    this.#isTravelling = true
    batch(() => {
      to.value = [...to.value, this.#now]
      from.value = from.value.slice(0, -1)
      restore(this.#store, target)
    })
    this.#isTravelling = false
    this.#last.what = ''
  }
}

function momentOf(store: Store): Moment {
  return valuesOf(store, WATCHED)
}

function restore(store: Store, moment: Moment): void {
  const { cells } = moment.selection
  const stays = cells === store.selection.value.cells
  // The kernel hears of a selection that came back as of one just made.
  setValues(store, { ...moment, selection: stays ? store.selection.value : { cells, source: 'undo' } })
}
