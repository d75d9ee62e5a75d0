import type { Column, Embedding } from '../protocol/column-frame.ts'
import type { Identity } from '../protocol/identity.ts'
import type { Camera, PageState } from '../protocol/state.ts'
import { delay } from './backoff.ts'
import { type Combine, combine, invert, union } from './cell-sets.ts'
import { type Colorable, colorLabel, colorName, isSameColor } from './colorable.ts'
import { ColumnCache } from './column-cache.ts'
import { isAbort, sentenceOf } from './failure.ts'
import { type Filter, hiddenBy, withFilter } from './filters.ts'
import { choiceOf, defaultView, firstView, isSameChoice } from './first-view.ts'
import { ownStateOf, pageState, restoreSettings } from './saved-state.ts'
import type { EmbeddingChoice, ServerClient } from './server-client.ts'
import { AUTOMATIC_SCALE, type ScaleSettings, type SelectionSource, type ShownColor, type Store } from './store.ts'
import { isValueColumn, meanColumn } from './values.ts'

/** What the viewer asks of the drawing; all else the drawing takes from the store. */
export interface PictureControls {
  setCamera(camera: Camera): void
  resetCamera(): void
  /** Resolves when all that the store says is on the canvas. */
  whenDrawn(): Promise<void>
  /** As a file, with what a figure needs beside the points. @throws Error while there is nothing on screen */
  image(options: { scale: number }): Promise<Blob>
}

/** A saved state that has not come so long after the embedding is not waited for: the picture comes first. */
const SAVED_STATE_WAIT_MS = 300
/** A first colour that takes longer comes after the picture. */
const FIRST_COLOR_WAIT_MS = 1_000
const NAMES_AT_ONCE = 64
const MAX_NAME_BLOCKS = 1_000
const MAX_RECENT = 6

/** A choice that is not on screen yet. */
type Reading = { overtaken: AbortController; again(): Promise<void> }

/** What is asked for before anything is known of the dataset. */
type Early = { identity: Promise<Identity>; embedding: Promise<Embedding>; column: Promise<Column>; stop(): void }

/**
 * What can be done with a dataset on screen, by panel, command and saved state alike. Reading is one at a time for each
 * topic: a newer choice cancels the older, and the old picture stays until the new column is there.
 */
export class Viewer {
  readonly store: Store
  readonly client: ServerClient
  readonly #signal: AbortSignal
  readonly #cache = new ColumnCache()
  readonly #cellNames = new Map<number, Promise<readonly string[]>>()
  readonly #askedFields = new Set<string>()
  /** Topic → what is being read of it. */
  readonly #reading = new Map<string, Reading>()
  picture: PictureControls | null = null
  /** Of the dataset that the embedding on screen was read from. */
  #shownVersion: string | undefined
  /** Settles when the first picture's arrays have come, or will not. */
  arrival: Promise<unknown> = Promise.resolve()

  constructor(store: Store, client: ServerClient, signal: AbortSignal) {
    this.store = store
    this.client = client
    this.#signal = signal
  }

  /**
   * The first picture. Identity, default embedding and default colour are asked for at once; where the saved state says
   * otherwise, its own are read in their place.
   * @param savedState where the viewer was left, `null` for a new one
   * @throws what kept the picture from being drawn
   */
  async start(savedState: Promise<PageState | null>): Promise<Identity> {
    const { store } = this
    const early = this.#askEarly()
    this.arrival = Promise.allSettled([early.embedding, early.column])
    store.begin('dataset', 'the dataset')
    try {
      const identity = await early.identity
      store.identity.value = identity
      const late = early.embedding.then(() => delay(SAVED_STATE_WAIT_MS, this.#signal))
      const saved = await Promise.race([savedState, late.then(() => 'late' as const)])
      await this.#showFirst(early, saved === 'late' ? null : saved)
      if (saved === 'late') {
        savedState.then((state) => (state === null ? undefined : this.restore(state))).catch(() => undefined)
      }
      return identity
    } finally {
      store.end('dataset')
    }
  }

  #askEarly(): Early {
    const unwanted = new AbortController()
    const signal = AbortSignal.any([this.#signal, unwanted.signal])
    const identity = this.client.identity(this.#signal)
    const cellCount = identity.then(({ nObs }) => nObs)
    const embedding = this.client.embedding(null, cellCount, signal)
    const column = this.client.column(null, cellCount, signal)
    // Whether these two are used is known later; until then a failure of theirs is nobody's.
    for (const read of [embedding, column]) read.catch(() => undefined)
    return { identity, embedding, column, stop: () => unwanted.abort() }
  }

  async #showFirst(early: Early, saved: PageState | null): Promise<void> {
    const identity = await early.identity
    const usual = defaultView(identity)
    const view = firstView(identity, saved)
    restoreSettings(this.store, ownStateOf(saved))
    const isUsualColor = isSameColor(view.color, usual.color)
    const color = this.#showColor(view.color, isUsualColor ? early.column : null)
      .catch(() => undefined)
      .then(() => this.#restoreFilters(saved))
    const choice = isSameChoice(view.embedding, usual.embedding) ? null : view.embedding
    await this.#choose(
      'embedding',
      view.embedding?.key ?? 'the embedding',
      async (signal) => {
        const embedding = await (choice === null
          ? early.embedding
          : this.client.embedding(choice, identity.nObs, signal))
        await Promise.race([color, delay(FIRST_COLOR_WAIT_MS, signal)])
        return embedding
      },
      (embedding) => this.#showEmbedding(embedding, saved?.camera ?? null),
    )
    // Not before both are there: either may come long after the other.
    void color.then(early.stop, early.stop)
  }

  /**
   * Go where the viewer was left, from wherever it is now.
   * @throws ServerFailure what could not be read, after its sentence is in its place and all else is restored
   */
  async restore(saved: PageState): Promise<void> {
    const identity = this.store.identity.value
    if (identity === null) return
    const view = firstView(identity, saved)
    restoreSettings(this.store, ownStateOf(saved))
    const embedding = view.embedding === null ? undefined : this.#readEmbedding(view.embedding, saved.camera ?? null)
    const read = await Promise.allSettled([embedding, this.setColor(view.color)])
    this.store.filters.value = []
    await this.#restoreFilters(saved)
    for (const outcome of read) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** Filters need their columns. One that cannot be read any more filters nothing. */
  async #restoreFilters(saved: PageState | null): Promise<void> {
    const categories = Object.entries(saved?.hiddenCategories ?? {}).map(async ([key, names]) => {
      const by = { axis: 'obs', key } as const
      const column = await this.column(by, this.#signal)
      return column.kind === 'codes' ? { kind: 'categories' as const, by, column, hidden: new Set(names) } : null
    })
    const ranges = ownStateOf(saved).ranges.map(async ({ by, range: [low, high] }) => {
      const column = await this.column(by, this.#signal)
      return isValueColumn(column) ? { kind: 'range' as const, by, column, low, high } : null
    })
    const read = await Promise.allSettled<Filter | null>([...categories, ...ranges])
    const filters = read.flatMap((outcome) => (outcome.status === 'fulfilled' ? (outcome.value ?? []) : []))
    if (filters.length > 0) this.store.filters.value = filters
  }

  /**
   * @param by `null`: one colour for all
   * @param isAnew a column of obs may have been replaced under the same name
   * @throws ServerFailure, after the sentence is in its place
   */
  setColor(by: Colorable | null, isAnew = false): Promise<void> {
    const isRead = isAnew && by?.axis === 'obs'
    return this.#showColor(by, isRead ? this.client.column(by, this.store.cellCount.value, this.#signal) : null)
  }

  async #showColor(by: Colorable | null, early: Promise<Column> | null): Promise<void> {
    if (by === null) {
      this.#cancel('color')
      this.store.color.value = null
      return
    }
    await this.#choose(
      'color',
      colorLabel(by),
      (signal) => this.column(by, signal, early),
      (column) => {
        const { color, recent } = this.store
        color.value = { by, column }
        recent.value = [by, ...recent.value.filter((other) => !isSameColor(other, by))].slice(0, MAX_RECENT)
      },
    )
  }

  /** One column, from the cache where it is there. @param early a read that is under way, in its place */
  async column(by: Colorable, signal: AbortSignal, early: Promise<Column> | null = null): Promise<Column> {
    const cached = this.#cache.get(by)
    if (cached !== undefined && early === null) return cached
    const cellCount = this.store.cellCount.value
    const column = await (by.axis === 'set'
      ? this.#readMean(by.keys, signal)
      : (early ?? this.client.column(by, cellCount, signal)))
    this.#cache.set(by, column)
    return column
  }

  async #readMean(keys: readonly string[], signal: AbortSignal): Promise<Column> {
    const genes = await Promise.all(keys.map((key) => this.column({ axis: 'var', key, layer: null }, signal)))
    return meanColumn(genes.filter(isValueColumn), this.store.cellCount.value)
  }

  /** @throws ServerFailure, after the sentence is in its place */
  setEmbedding(choice: EmbeddingChoice): Promise<void> {
    const { embedding, identity } = this.store
    // Where anything was made anew since it was read, it may be this.
    if (isSameChoice(choice, embedding.value) && identity.value?.version === this.#shownVersion) {
      this.#cancel('embedding')
      return Promise.resolve()
    }
    return this.#readEmbedding(choice, null)
  }

  #readEmbedding(choice: EmbeddingChoice, camera: Camera | null): Promise<void> {
    return this.#choose(
      'embedding',
      choice.key,
      (signal) => this.client.embedding(choice, this.store.cellCount.value, signal),
      (embedding) => this.#showEmbedding(embedding, camera),
    )
  }

  #showEmbedding(embedding: Embedding, camera: Camera | null): void {
    this.#shownVersion = this.store.identity.value?.version
    this.store.embedding.value = embedding
    if (camera === null) this.picture?.resetCamera()
    else this.picture?.setCamera(camera)
  }

  /** What the dataset has now: columns and embeddings come while it is shown. */
  readIdentity(): Promise<void> {
    return this.#choose(
      'dataset',
      'the dataset',
      (signal) => this.client.identity(signal),
      (identity) => {
        this.store.identity.value = identity
      },
    )
  }

  /** The dataset may have changed under the same name: read anew what is on screen, or on its way there. */
  async refresh(): Promise<void> {
    const { store } = this
    this.#cache.clear()
    this.#cellNames.clear()
    this.#askedFields.clear()
    await this.readIdentity()
    const { embedding, color, camera, identity } = store
    const info = identity.value?.embeddings.find(({ key }) => key === embedding.value?.key)
    const choice = info === undefined ? null : choiceOf(info, embedding.value?.dimensions)
    await Promise.all([
      this.#again('embedding') ?? (choice === null ? undefined : this.#readEmbedding(choice, camera.value)),
      this.#again('color') ?? this.setColor(color.value?.by ?? null),
    ])
    await this.#restoreFilters(pageState(store))
  }

  /** What the dataset calls one cell. Asked for in blocks: neighbours are often wanted next. */
  async cellName(cell: number, signal: AbortSignal): Promise<string> {
    const block = Math.floor(cell / NAMES_AT_ONCE)
    if (!this.#cellNames.has(block)) {
      const start = block * NAMES_AT_ONCE
      const end = Math.min(start + NAMES_AT_ONCE, this.store.cellCount.value)
      if (this.#cellNames.size >= MAX_NAME_BLOCKS) this.#cellNames.clear()
      this.#cellNames.set(block, this.client.cellNames(start, end, this.#signal))
    }
    const names = this.#cellNames.get(block) ?? Promise.resolve([])
    // A failure is not kept: the next one who asks tries again.
    names.catch(() => this.#cellNames.delete(block))
    const found = await names
    signal.throwIfAborted()
    return found[cell % NAMES_AT_ONCE] ?? ''
  }

  /**
   * For tables and the pointer: the fields that the user chose, else what coloured lately, as far as it is here. What was
   * chosen is read when it is missing. Reads signals, so call it in a component.
   */
  knownColumns(): readonly ShownColor[] {
    const { fields, fieldsRead, recent } = this.store
    void fieldsRead.value
    return (fields.value ?? recent.value).flatMap((by) => {
      const column = this.#cache.get(by)
      if (column !== undefined) return [{ by, column }]
      if (fields.value !== null) this.#readField(by)
      return []
    })
  }

  #readField(by: Colorable): void {
    const topic = `field ${colorName(by)}`
    const { fieldsRead } = this.store
    // Once: a column too large to be kept beside the others would be read for ever.
    if (this.#askedFields.has(topic)) return
    this.#askedFields.add(topic)
    queueMicrotask(() => {
      this.#choose(
        topic,
        colorLabel(by),
        (signal) => this.column(by, signal),
        () => fieldsRead.value++,
      ).catch(() => undefined) // Its sentence is in its place.
    })
  }

  select(cells: Uint32Array, how: Combine, source: SelectionSource): void {
    const { selection } = this.store
    selection.value = { cells: combine(how, selection.value.cells, cells), source }
  }

  /** The cells that no filter hides, ascending. */
  visible(): Uint32Array {
    const { filters, hiddenCells, cellCount } = this.store
    return invert(hiddenBy(filters.value, hiddenCells.value, cellCount.value), cellCount.value)
  }

  /** Cells of one colour add up. @param color any CSS colour */
  highlight(color: string, cells: Uint32Array): void {
    const { highlights } = this.store
    const groups = new Map(highlights.value)
    const before = groups.get(color) ?? new Uint32Array(0)
    groups.delete(color)
    highlights.value = groups.set(color, union(before, cells))
  }

  clearHighlights(): void {
    this.store.highlights.value = new Map()
  }

  /** @param cells `null`: all */
  setVisibility(cells: Uint32Array | null, isVisible: boolean): void {
    const { hiddenCells, cellCount } = this.store
    const all = Uint32Array.from({ length: isVisible ? 0 : cellCount.value }, (_, cell) => cell)
    if (cells === null) hiddenCells.value = all
    else hiddenCells.value = combine(isVisible ? 'subtract' : 'add', hiddenCells.value, cells)
  }

  /** @param cells of the group of this name; `null` removes it */
  setGroup(name: string, cells: Uint32Array | null): void {
    const { groups } = this.store
    const next = new Map(groups.value)
    next.delete(name)
    groups.value = cells === null ? next : next.set(name, cells)
  }

  /** @param filter in place of the one before of the same field or gene; `null` removes it */
  setFilter(by: Colorable, filter: Filter | null): void {
    const { filters } = this.store
    filters.value = withFilter(filters.value, by, filter)
  }

  /** How a continuous colour is drawn; what is left out stays. */
  setScale(by: Colorable, change: Partial<ScaleSettings>): void {
    const { scales } = this.store
    const name = colorName(by)
    scales.value = { ...scales.value, [name]: { ...(scales.value[name] ?? AUTOMATIC_SCALE), ...change } }
  }

  /** @param color CSS; for this category of the obs field `key` */
  setCategoryColor(key: string, category: string, color: string): void {
    const { categoryColors } = this.store
    categoryColors.value = { ...categoryColors.value, [key]: { ...categoryColors.value[key], [category]: color } }
  }

  /** Takes what went wrong and says it in its place; an abort is nothing to say. */
  failed(topic: string): (error: unknown) => void {
    return (error) => {
      if (!isAbort(error)) this.store.notify({ topic, level: 'error', text: sentenceOf(error) })
    }
  }

  resetCamera(): void {
    this.picture?.resetCamera()
  }

  #again(topic: string): Promise<void> | undefined {
    return this.#reading.get(topic)?.again()
  }

  #cancel(topic: string): void {
    this.#reading.get(topic)?.overtaken.abort()
    this.#reading.delete(topic)
    this.store.end(topic)
  }

  /** Read, then show. One that a newer choice overtook settles quietly and shows nothing. */
  async #choose<Value>(
    topic: string,
    what: string,
    read: (signal: AbortSignal) => Promise<Value>,
    show: (value: Value) => void,
  ): Promise<void> {
    this.#cancel(topic)
    const overtaken = new AbortController()
    this.#reading.set(topic, { overtaken, again: () => this.#choose(topic, what, read, show) })
    const signal = AbortSignal.any([this.#signal, overtaken.signal])
    this.store.begin(topic, what)
    try {
      const value = await read(signal)
      if (!signal.aborted) show(value)
    } catch (error) {
      if (signal.aborted) return
      this.failed(topic)(error)
      throw error
    } finally {
      if (this.#reading.get(topic)?.overtaken === overtaken) this.#cancel(topic)
    }
  }
}
