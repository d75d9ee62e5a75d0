import { batch, effect } from '@preact/signals'
import type { Column, Embedding } from '../../protocol/column-frame.ts'
import { delay } from '../../protocol/delay.ts'
import type { Identity } from '../../protocol/identity.ts'
import { isSameMatrix, type Matrix } from '../../protocol/matrix.ts'
import type { Camera, ColorBy, PageState } from '../../protocol/state.ts'
import { type Combine, combine, invert, union } from '../columns/cell-sets.ts'
import { type Colorable, colorLabel, colorName, type GeneSet, isSameColor, matrixLabel } from '../columns/colorable.ts'
import { ColumnCache } from '../columns/column-cache.ts'
import { isValueColumn, meanColumn } from '../columns/column-values.ts'
import { type Filter, hiddenBy, withFilter } from '../columns/filters.ts'
import { isSamePart, type Part, partOf, shownParts, versionIn } from '../columns/parts.ts'
import type { EmbeddingChoice, ServerClient } from '../connection/server-client.ts'
import { isAbort, isChanged, isPassing, ServerFailure, sentenceOf } from '../connection/server-failure.ts'
import { followChosenForm, inChosenForm } from '../state/as-categories.ts'
import { choiceOf, defaultView, firstView, isSameChoice } from '../state/first-view.ts'
import { ownStateOf, pageState, restoreSettings } from '../state/saved-state.ts'
import {
  AUTOMATIC_SCALE,
  type ScaleSettings,
  type SelectionSource,
  type ShownColor,
  type Store,
  valuesOf,
} from '../state/store.ts'

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
/** From an answer that a busy kernel or server gave instead of the dataset to the next question. */
const ASK_AGAIN_MS = 1_000
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
  /** Settles when what is read anew has come. */
  #refreshing: Promise<void> = Promise.resolve()
  /** Under way and waiting. */
  #refreshes = 0
  /** Of which version the last one read all that is on screen. */
  #readAnew: string | null = null
  picture: PictureControls | null = null
  #looks = 0
  /** What is on screen is about to be replaced. */
  #isReadingAnew = false
  /** Settles when the first picture's arrays have come, or will not. */
  arrival: Promise<unknown> = Promise.resolve()

  constructor(store: Store, client: ServerClient, signal: AbortSignal) {
    this.store = store
    this.client = client
    this.#signal = signal
    signal.addEventListener('abort', followChosenForm(store), { once: true })
  }

  /**
   * The first picture. Identity, default embedding and default colour are asked for at once; where the saved state says
   * otherwise, its own are read in their place. Where no embedding is shown by itself, or the server refuses to read it,
   * one can be chosen: its sentence is in its place.
   * @param savedState where the viewer was left, `null` for a new one
   * @throws what keeps every picture from being drawn
   */
  async start(savedState: Promise<PageState | null>): Promise<Identity> {
    const { store } = this
    store.begin('dataset', 'the dataset')
    try {
      const early = await this.#askUntilKnown()
      const identity = await early.identity
      store.identity.value = identity
      // Also where there is none to wait for: the saved state may know another.
      const arrived = early.embedding.catch(() => undefined)
      const late = arrived.then(() => delay(SAVED_STATE_WAIT_MS, this.#signal))
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

  /** A kernel that is busy, or a server that is, says so in its place and is asked again. @throws any other failure */
  async #askUntilKnown(): Promise<Early> {
    for (;;) {
      const early = this.#askEarly()
      this.arrival = Promise.allSettled([early.embedding, early.column])
      try {
        await early.identity
        this.store.dismiss('dataset')
        return early
      } catch (error) {
        if (!isPassing(error)) throw error
        this.failed('dataset')(error)
        await delay(ASK_AGAIN_MS, this.#signal)
      }
    }
  }

  #askEarly(): Early {
    const unwanted = new AbortController()
    const signal = AbortSignal.any([this.#signal, unwanted.signal])
    const identity = this.client.identity(this.#signal)
    const cellCount = identity.then(({ nObs }) => nObs)
    const embedding = this.client.embedding(null, { cellCount }, signal)
    const column = this.client.column(null, { cellCount }, signal)
    // Whether these two are used is known later; until then a failure of theirs is nobody's.
    for (const read of [embedding, column]) read.catch(() => undefined)
    return { identity, embedding, column, stop: () => unwanted.abort() }
  }

  async #showFirst(early: Early, saved: PageState | null): Promise<void> {
    const identity = await early.identity
    const usual = defaultView(identity)
    const view = firstView(identity, saved)
    this.#restoreSettings(saved)
    const isUsualColor = isSameColor(view.color, usual.color)
    const color = this.#showColor(view.color, isUsualColor ? early.column : null)
      .catch(() => undefined)
      .then(() => this.#restoreFilters(saved))
    const { embedding: choice } = view
    const isUsual = isSameChoice(choice, usual.embedding)
    const read = async (signal: AbortSignal) => {
      const embedding = await (isUsual || choice === null ? early.embedding : this.#readPositions(choice, signal))
      await Promise.race([color, delay(FIRST_COLOR_WAIT_MS, signal)])
      return embedding
    }
    const show = (embedding: Embedding) => this.#showEmbedding(embedding, saved?.camera ?? null)
    if (choice !== null) await this.#choose('embedding', choice.key, read, show).catch(throwUnlessRefused)
    // Not before both are there: either may come long after the other.
    void color.then(early.stop, early.stop)
  }

  /** Resolves when there is an embedding to draw the cells by, which may have to be chosen first. */
  whenPlaced(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stop = effect(() => {
      if (this.store.embedding.value !== null) resolve()
    })
    this.#signal.addEventListener('abort', () => reject(this.#signal.reason))
    return promise.finally(stop)
  }

  /**
   * Go where the viewer was left, from wherever it is now.
   * @throws ServerFailure what could not be read, after its sentence is in its place and all else is restored
   */
  async restore(saved: PageState): Promise<void> {
    const identity = this.store.identity.value
    if (identity === null) return
    const view = firstView(identity, saved)
    this.#restoreSettings(saved)
    const embedding = view.embedding === null ? undefined : this.#readEmbedding(view.embedding, saved.camera ?? null)
    const read = await Promise.allSettled([embedding, this.setColor(view.color)])
    this.store.filters.value = []
    await this.#restoreFilters(saved)
    for (const outcome of read) if (outcome.status === 'rejected') throw outcome.reason
  }

  #restoreSettings(saved: PageState | null): void {
    restoreSettings(this.store, ownStateOf(saved))
    this.#sayMatrix()
  }

  /** Genes are never read from another matrix than was chosen without a word. */
  #sayMatrix(): void {
    const { store } = this
    const { chosenMatrix: wanted, matrix } = store
    if (wanted.value === null || isSameMatrix(wanted.value, matrix.value)) return
    const found = `The dataset has no ${matrixLabel(wanted.value)}, which genes were read from`
    store.notify({ topic: 'matrix', level: 'info', text: `${found}: they are read from ${matrixLabel(matrix.value)}.` })
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
   * @throws ServerFailure, after the sentence is in its place
   */
  setColor(by: Colorable | null): Promise<void> {
    return this.#showColor(by, null)
  }

  async #showColor(by: Colorable | null, early: Promise<Column> | null): Promise<void> {
    if (by === null) {
      this.#cancel('color')
      this.store.dismiss('color')
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
        if (by.axis !== 'obs') this.#readFrom(by.matrix)
        recent.value = [by, ...recent.value.filter((other) => !isSameColor(other, by))].slice(0, MAX_RECENT)
      },
    )
  }

  /**
   * Read genes from another matrix: the one on screen at once, the others when they are asked for.
   * @throws ServerFailure where it does not have the gene, after the sentence is in its place
   */
  async setMatrix(matrix: Matrix): Promise<void> {
    this.#readFrom(matrix)
    const by = this.store.color.value?.by
    if (by !== undefined && by.axis !== 'obs') await this.setColor({ ...by, matrix })
  }

  #readFrom(matrix: Matrix): void {
    if (isSameMatrix(matrix, this.store.matrix.value)) return
    this.store.dismiss('matrix')
    this.store.chosenMatrix.value = matrix
  }

  /** One column, in the form that the user chose. @param early a read that is under way, in its place */
  async column(by: Colorable, signal: AbortSignal, early: Promise<Column> | null = null): Promise<Column> {
    const column = await this.#read(by, signal, early)
    return inChosenForm(column, by, this.store.asCategories.value)
  }

  /** From the cache where it is there. */
  async #read(by: Colorable, signal: AbortSignal, early: Promise<Column> | null): Promise<Column> {
    const cached = this.#cached(by)
    if (cached !== undefined && early === null) return cached
    const column = await (by.axis === 'set' ? this.#readMean(by, signal) : (early ?? this.#readColumn(by, signal)))
    this.#cache.set(by, column)
    return column
  }

  /** What is kept of another version than the picture has is as if it were not there. */
  #cached(by: Colorable): Column | undefined {
    const column = this.#cache.get(by)
    const version = this.#versionOf(partOf(by))
    return version === undefined || column?.version === undefined || column.version === version ? column : undefined
  }

  #readColumn(by: ColorBy, signal: AbortSignal): Promise<Column> {
    const cellCount = this.store.cellCount.value
    const part = partOf(by)
    return this.#readKnown(part, (version) => this.client.column(by, { cellCount, version }, signal))
  }

  #readPositions(choice: EmbeddingChoice, signal: AbortSignal): Promise<Embedding> {
    const cellCount = this.store.cellCount.value
    const part = { axis: 'obsm', key: choice.key } as const
    return this.#readKnown(part, (version) => this.client.embedding(choice, { cellCount, version }, signal))
  }

  async #readMean({ keys, matrix }: GeneSet, signal: AbortSignal): Promise<Column> {
    const genes = await Promise.all(keys.map((key) => this.column({ axis: 'var', key, matrix }, signal)))
    const version = genes[0]?.version
    const mean = meanColumn(genes.filter(isValueColumn), this.store.cellCount.value)
    return version === undefined ? mean : { ...mean, version }
  }

  /** Of what is on screen the version that is shown, so that old and new never mix; else as the dataset has it now. */
  #versionOf(part: Part): string | undefined {
    const { embedding, color, filters, identity } = valuesOf(this.store, ['embedding', 'color', 'filters', 'identity'])
    const now = versionIn(identity, part)
    if (this.#isReadingAnew) return now
    const onScreen = { embedding, color, filters }
    return shownParts(onScreen).find((shown) => isSamePart(shown.part, part))?.version ?? now
  }

  /** What changed since the dataset said what it has is read as it is now, if nothing on screen is of before. */
  async #readKnown<Value>(part: Part, read: (version: string | undefined) => Promise<Value>): Promise<Value> {
    const known = this.#versionOf(part)
    try {
      return await read(known)
    } catch (error) {
      if (!isChanged(error)) throw error
      await this.look()
      const now = this.#versionOf(part)
      if (now === known) throw error
      return await read(now)
    }
  }

  /** @throws ServerFailure, after the sentence is in its place */
  setEmbedding(choice: EmbeddingChoice): Promise<void> {
    if (isSameChoice(choice, this.store.embedding.value)) {
      this.#cancel('embedding')
      this.store.dismiss('embedding')
      return Promise.resolve()
    }
    return this.#readEmbedding(choice, null)
  }

  #readEmbedding(choice: EmbeddingChoice, camera: Camera | null): Promise<void> {
    return this.#choose(
      'embedding',
      choice.key,
      (signal) => this.#readPositions(choice, signal),
      (embedding) => this.#showEmbedding(embedding, camera),
    )
  }

  #showEmbedding(embedding: Embedding, camera: Camera | null): void {
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
      (identity) => this.#know(identity),
    )
  }

  /** The same without a word, to see whether anything changed: what is new is listed, what is on screen is told. */
  async look(): Promise<void> {
    const turn = ++this.#looks
    try {
      const identity = await this.client.identity(this.#signal)
      // The answer to a later question may have come before.
      if (turn === this.#looks) this.#know(identity)
      this.store.dismiss('dataset')
    } catch (error) {
      this.failed('dataset')(error)
      throw error
    }
  }

  #know(identity: Identity): void {
    const { identity: known, renewals } = this.store
    const isOther = identity.version !== known.value?.version
    known.value = identity
    if (!isOther) return
    this.#cellNames.clear()
    this.#askedFields.clear()
    renewals.value++
    this.#sayMatrix()
  }

  /** Before something is shown that a command names: it may have been made, or made anew, since. */
  async catchUp(): Promise<void> {
    await this.#refreshing
    await this.look()
    if (this.store.outdated.value.length > 0) await this.refresh()
  }

  /**
   * The dataset may have changed under the same name: read anew what is on screen, or on its way there. One after the
   * other: word of a change and the kernel's own `refresh()` come together, and mean the same.
   */
  refresh(): Promise<void> {
    const before = this.#refreshing
    const done = this.#refreshes === 0 ? this.#refresh() : before.then(() => this.#refreshUnlessRead())
    this.#refreshes++
    this.#refreshing = done.catch(() => undefined).finally(() => this.#refreshes--)
    return done
  }

  async #refresh(): Promise<void> {
    this.#readAnew = null
    await this.readIdentity()
    const version = this.store.identity.value?.version ?? null
    this.#cache.clear()
    this.#isReadingAnew = true
    try {
      await this.#readShown()
      this.#readAnew = version
    } finally {
      this.#isReadingAnew = false
      this.store.renewals.value++
    }
  }

  async #refreshUnlessRead(): Promise<void> {
    await this.look()
    if (this.#readAnew === null || this.store.identity.value?.version !== this.#readAnew) await this.#refresh()
  }

  async #readShown(): Promise<void> {
    const { store } = this
    const { embedding, color, camera, identity } = store
    const info = identity.value?.embeddings.find(({ key }) => key === embedding.value?.key)
    // One that can be shown by itself may have been made since.
    const usual = embedding.value === null && identity.value !== null ? defaultView(identity.value).embedding : null
    const choice = info === undefined ? usual : choiceOf(info, embedding.value?.dimensions)
    await Promise.all([
      this.#again('embedding') ??
        (choice === null ? undefined : this.#readEmbedding(choice, info === undefined ? null : camera.value)),
      this.#again('color') ?? this.setColor(color.value?.by ?? null),
    ])
    await this.#restoreFilters(pageState(store))
  }

  /** The server says that the dataset may be another than what was read. */
  async dataChanged(version: string, isAnew: boolean): Promise<void> {
    await this.#refreshing
    if (version === this.store.identity.value?.version) return
    await (isAnew ? this.refresh() : this.look())
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
    const { fields, fieldsRead, recent, asCategories } = this.store
    void fieldsRead.value
    return (fields.value ?? recent.value).flatMap((by) => {
      const column = this.#cached(by)
      if (column !== undefined) return [{ by, column: inChosenForm(column, by, asCategories.value) }]
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

  /** Show the whole numbers of the obs field `key` as categories, or as the values that they are. */
  setAsCategories(key: string, isOn: boolean): void {
    const { asCategories, filters } = this.store
    const others = asCategories.value.filter((other) => other !== key)
    batch(() => {
      asCategories.value = isOn ? [...others, key] : others
      // A range hides no categories, nor the other way round.
      filters.value = withFilter(filters.value, { axis: 'obs', key }, null)
    })
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
      // What changed is said once for all of it, with what to do.
      const isSaid = isChanged(error) && this.store.outdated.value.length > 0
      if (!isAbort(error) && !isSaid) this.store.notify({ topic, level: 'error', text: sentenceOf(error) })
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

/** What the server refuses to read leaves others to choose; a server that is not there leaves none. */
function throwUnlessRefused(error: unknown): void {
  if (!(error instanceof ServerFailure) || error.kind !== 'refused') throw error
}
