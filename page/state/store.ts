import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { KernelStatus, Sorting } from '../../protocol/channel.ts'
import type { Column, Embedding } from '../../protocol/column-frame.ts'
import type { Identity } from '../../protocol/identity.ts'
import { isSameMatrix, type Matrix, X } from '../../protocol/matrix.ts'
import type { Camera } from '../../protocol/state.ts'
import { type Colorable, colorName } from '../columns/colorable.ts'
import { type Filter, hiddenBy } from '../columns/filters.ts'
import { outdatedParts, type Part } from '../columns/parts.ts'
import type { Theme } from '../scatter/scatter.ts'

/** A colour that is on screen: what it is and the column that was read for it. */
export type ShownColor = { by: Colorable; column: Column }
/** How a continuous colour is drawn. `range` in the column's own units also where the scale is logarithmic; `null`: all. */
export type ScaleSettings = { scale: string; range: readonly [number, number] | null; isLog: boolean }
export const AUTOMATIC_SCALE: ScaleSettings = { scale: 'viridis', range: null, isLog: false }
/** Who made the selection: the user with which tool, a command, or the state the page started from. */
export type SelectionSource =
  | 'lasso'
  | 'rectangle'
  | 'legend'
  | 'click'
  | 'filter'
  | 'group'
  | 'panel'
  | 'undo'
  | 'command'
  | 'state'
/** `cells` ascending and unique. */
export type Selection = { cells: Uint32Array; source: SelectionSource }
/** A sentence in place. `error` stays until it is closed or the next try works. */
export type Notice = { topic: string; level: 'info' | 'error'; text: string }

/** What lies open below the picture, and of what. */
export type CloserLook = { view: 'violins' | 'dots' | 'table' | null; by: string | null; genes: readonly string[] }

export type Tool = 'pan' | 'lasso' | 'rectangle'

const NO_CELLS = new Uint32Array(0)

/** All that the page knows and shows. Panel and commands write it by way of the Viewer; the picture follows by effect. */
export class Store {
  readonly identity = signal<Identity | null>(null)
  readonly embedding = signal<Embedding | null>(null)
  readonly color = signal<ShownColor | null>(null)
  /** What hides cells, at most one of each field or gene. */
  readonly filters = signal<readonly Filter[]>([])
  /** Name of a colour (colorName) → its scale. */
  readonly scales = signal<Readonly<Record<string, ScaleSettings>>>({})
  /** obs key → category → the CSS colour that the user gave it. */
  readonly categoryColors = signal<Readonly<Record<string, Readonly<Record<string, string>>>>>({})
  /** obs keys whose whole numbers are shown as categories. */
  readonly asCategories = signal<readonly string[]>([])
  /** What genes are read from; `null`: what the dataset says. */
  readonly chosenMatrix = signal<Matrix | null>(null)
  readonly selection = signal<Selection>({ cells: NO_CELLS, source: 'state' })
  /** CSS colour → its cells; later ones are drawn over earlier ones. */
  readonly highlights = signal<ReadonlyMap<string, Uint32Array>>(new Map())
  /** Hidden by command, beside the filters. */
  readonly hiddenCells = signal<Uint32Array>(NO_CELLS)
  /** The user's groups: name → cells. */
  readonly groups = signal<ReadonlyMap<string, Uint32Array>>(new Map())
  readonly camera = signal<Camera | null>(null)
  /** The notebook's look, or the system's. */
  readonly surroundings = signal<Theme>('light')
  /** The user's own choice against it. */
  readonly background = signal<Theme | null>(null)
  readonly theme: ReadonlySignal<Theme> = computed(() => this.background.value ?? this.surroundings.value)
  readonly tool = signal<Tool>('pan')
  /** CSS pixels; `null`: by the number of cells. */
  readonly pointSize = signal<number | null>(null)
  /** 0 to 1; `null`: by the number of cells. */
  readonly opacity = signal<number | null>(null)
  readonly hasLabels = signal(true)
  readonly closerLook = signal<CloserLook>({ view: null, by: null, genes: [] })
  /** `null`: where there is room for it. */
  readonly isPanelOpen = signal<boolean | null>(null)
  /** CSS pixels that the user gave the cell; `null`: as Python said. */
  readonly height = signal<number | null>(null)
  /** What table and pointer say of a cell; `null`: what coloured lately. */
  readonly fields = signal<readonly Colorable[] | null>(null)
  /** Counts how often what had been read was found to be another one: whoever holds columns asks for them again. */
  readonly renewals = signal(0)
  /** Counts columns read for the fields. */
  readonly fieldsRead = signal(0)
  /** What coloured the cells lately, the latest first. */
  readonly recent = signal<readonly Colorable[]>([])

  /** What is being read, as the user knows it: "CD3D", "UMAP". Topic → text. */
  readonly pending = signal<ReadonlyMap<string, string>>(new Map())
  /** How much of it is read, 0 to 1, where that takes long. */
  readonly reading = signal<number | null>(null)
  readonly notices = signal<readonly Notice[]>([])
  /** `null`: the first connection is still on its way. */
  readonly isConnected = signal<boolean | null>(null)
  /** A tab that lost its server asks whoever sits before it: connects once more. */
  readonly connectAgain = signal<(() => void) | null>(null)
  readonly kernel = signal<KernelStatus>('idle')
  readonly sorting = signal<Sorting>({ done: null, note: null })
  /** Tunnel: what requests wait for. */
  readonly waitsFor = signal<'cell' | 'kernel' | null>(null)
  /** The first picture stands. */
  readonly isReady = signal(false)
  /** The page cannot go on; the sentence says why. */
  readonly fatal = signal<string | null>(null)

  /** What is on screen and is another one in the dataset by now. */
  readonly outdated: ReadonlySignal<readonly Part[]> = computed(() => {
    const [identity, embedding] = [this.identity.value, this.embedding.value]
    return outdatedParts({ identity, embedding, color: this.color.value, filters: this.filters.value })
  })
  readonly cellCount: ReadonlySignal<number> = computed(() => this.identity.value?.nObs ?? 0)
  /** What search, dot plot and gene lists read. */
  readonly matrix: ReadonlySignal<Matrix> = computed(() => {
    const [wanted, identity] = [this.chosenMatrix.value, this.identity.value]
    const isThere = identity?.matrices.some(({ matrix }) => wanted !== null && isSameMatrix(matrix, wanted))
    return wanted !== null && isThere === true ? wanted : (identity?.defaultMatrix ?? X)
  })
  /** All hidden cells, ascending, but those that the colour's own table hides: that costs no work for each cell. */
  readonly masked: ReadonlySignal<Uint32Array> = computed(() => {
    const { color } = this
    const shown = color.value?.column.kind === 'codes' ? colorName(color.value.by) : null
    const filters = this.filters.value.filter(({ kind, by }) => kind === 'range' || colorName(by) !== shown)
    return this.#mask(filters, this.hiddenCells.value, this.cellCount.value)
  })
  readonly #mask = rememberLast(hiddenBy)
  readonly visibleCells: ReadonlySignal<number> = computed(
    () => this.cellCount.value - hiddenBy(this.filters.value, this.hiddenCells.value, this.cellCount.value).length,
  )

  /** Say that something is being read, and take back what was said of its topic before. */
  begin(topic: string, what: string): void {
    this.dismiss(topic)
    this.pending.value = new Map(this.pending.value).set(topic, what)
  }

  end(topic: string): void {
    const pending = new Map(this.pending.value)
    pending.delete(topic)
    this.pending.value = pending
  }

  notify(notice: Notice): void {
    this.notices.value = [...this.notices.value.filter(({ topic }) => topic !== notice.topic), notice]
  }

  dismiss(topic: string): void {
    if (this.notices.value.some((notice) => notice.topic === topic)) {
      this.notices.value = this.notices.value.filter((notice) => notice.topic !== topic)
    }
  }
}

/** Values of some of the store's signals, by their names. */
export type StoreValues<Name extends keyof Store> = {
  readonly [Key in Name]: Store[Key] extends Signal<infer Value> ? Value : never
}

/** Reads signals, so call it in an effect. */
export function valuesOf<Name extends keyof Store>(store: Store, names: readonly Name[]): StoreValues<Name> {
  // Each name with the value of its own signal is what the type says.
  return Object.fromEntries(names.map((name) => [name, (store[name] as Signal).value])) as StoreValues<Name>
}

export function setValues<Name extends keyof Store>(store: Store, values: StoreValues<Name>): void {
  batch(() => {
    // The names are those of signals, as the values' type says.
    for (const [name, value] of Object.entries(values)) (store[name as Name] as Signal).value = value
  })
}

/** Work done anew only when its arguments are others; a list is the same when its members are. */
function rememberLast<Args extends unknown[], Result>(work: (...args: Args) => Result): (...args: Args) => Result {
  let last: { args: Args; result: Result } | null = null
  return (...args) => {
    if (last === null || !isSame(last.args, args)) last = { args, result: work(...args) }
    return last.result
  }
}

function isSame(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b)
  return a.length === b.length && a.every((member, i) => isSame(member, b[i]))
}
