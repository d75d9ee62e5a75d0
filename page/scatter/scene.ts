import type { Embedding } from '../../protocol/column-frame.ts'
import { type CellSets, HIDDEN, writeFlags } from './cell-flags.ts'
import { type ColorTable, categoryTable, plainTable, valueTable } from './color/color-table.ts'
import type { Coloring } from './color/coloring.ts'
import { rankedPlaces } from './color/draw-ranking.ts'
import type { ThemeColors } from './color/theme.ts'
import { quantise, quantisedRange, type Range, rankOfCode, servesRange } from './color/value-codes.ts'
import { DrawOrder } from './draw-order.ts'
import type { Layer } from './layers/layer.ts'
import { boundsOf, type EmbeddingStage } from './projection.ts'

const EMPTY = new Uint32Array(0)
const NO_POSITIONS = { positions: new Float32Array(0), dimensions: 2, missingCells: 0 }

type Part = 'positions' | 'codes' | 'ranking' | 'table' | 'flags'
const PARTS: readonly Part[] = ['positions', 'codes', 'ranking', 'table', 'flags']

/**
 * The cells as they are to be drawn, in the order of `obs`, in main memory. Knows which parts the graphics card does not
 * have yet; a lost graphics context makes that all of them.
 */
export class Scene {
  #embedding: Embedding | null = null
  #keepsOldPositions = false
  #bounds = boundsOf(null)
  #order = new DrawOrder(0)
  #coloring: Coloring | null = null
  /** The range between whose ends the codes of a value column are spread. */
  #quantised: Range = [0, 0]
  #sets: CellSets = { hidden: EMPTY, selected: EMPTY, highlights: [] }
  /** One byte a cell; null while no set has a cell. */
  #flags: Uint8Array | null = null
  #colors: ThemeColors
  #table: ColorTable
  readonly #stale = new Set<Part>(PARTS)

  constructor(colors: ThemeColors) {
    this.#colors = colors
    this.#table = plainTable(colors.plain)
  }

  get embedding(): Embedding | null {
    return this.#embedding
  }

  get stage(): EmbeddingStage {
    const { dimensions = 2, yDown = false } = this.#embedding ?? {}
    return { bounds: this.#bounds, dimensions, yDown }
  }

  get cellCount(): number {
    return this.#order.cellCount
  }

  /** Half of the largest distance that cells can have, in units. */
  get radius(): number {
    const { low, high } = this.#bounds
    return Math.hypot(high[0] - low[0], high[1] - low[1], high[2] - low[2]) / 2 || 1
  }

  /** How many cells to draw where `wanted` are enough for a fair sample. */
  sampleSize(wanted: number): number {
    return this.#order.sampleSize(wanted)
  }

  get hasSelection(): boolean {
    return this.#sets.selected.length > 0
  }

  /** @param keepOld leave the cells' places before on the graphics card, for a way from there */
  setEmbedding(embedding: Embedding | null, keepOld: boolean): void {
    const cellCount = embedding === null ? 0 : embedding.positions.length / embedding.dimensions
    this.#embedding = embedding
    this.#bounds = boundsOf(embedding)
    this.#keepsOldPositions = keepOld
    this.#stale.add('positions')
    if (cellCount === this.cellCount) return
    this.#order = new DrawOrder(cellCount)
    this.#flags = null
    this.#makeFlags()
    this.#codesChanged()
    this.#makeTable()
  }

  setColoring(coloring: Coloring | null): void {
    const old = this.#coloring
    this.#coloring = coloring
    if (coloring?.kind === 'values') {
      const isServed =
        old?.kind === 'values' &&
        old.column === coloring.column &&
        servesRange(coloring.column, this.#quantised, coloring.range)
      if (!isServed) {
        this.#quantised = quantisedRange(coloring.column, coloring.range)
        this.#codesChanged()
      }
    } else if (coloring?.kind !== 'categories' || old?.kind !== 'categories' || old.codes !== coloring.codes) {
      this.#codesChanged()
    }
    this.#makeTable()
  }

  setSets(sets: Partial<CellSets>): void {
    this.#sets = { ...this.#sets, ...sets }
    this.#makeFlags()
  }

  setColors(colors: ThemeColors): void {
    this.#colors = colors
    this.#makeTable()
  }

  /** The graphics card has nothing any more. */
  invalidate(): void {
    this.#keepsOldPositions = false
    for (const part of PARTS) this.#stale.add(part)
  }

  /**
   * Bring the graphics card up to date: only what has changed is sent.
   * @param ranking whether cells are to be drawn by value, lowest first, which takes 4 bytes a cell
   */
  upload(layer: Layer, ranking: 'needed' | 'later' | 'unneeded'): void {
    const { cells } = layer
    if (this.#stale.delete('positions')) {
      cells.setPositions(this.#embedding ?? NO_POSITIONS, this.#order, { keepOld: this.#keepsOldPositions })
    }
    if (this.#stale.delete('codes')) cells.setCodes(this.#codes(), this.#order)
    if (this.#stale.delete('table')) layer.setTable(this.#table)
    if (this.#stale.delete('flags')) cells.setFlags(this.#flags, this.#order)
    if (ranking === 'needed' && this.#stale.delete('ranking')) cells.setRanking(this.#ranking())
    if (ranking === 'unneeded' && cells.hasRanking) {
      cells.setRanking(null)
      this.#stale.add('ranking')
    }
  }

  /** Whether a cell is drawn, as far as sets and legend say; a cell without a position is nowhere. */
  readonly isVisible = (cell: number): boolean => {
    if (this.#flags !== null && ((this.#flags[cell] ?? 0) & HIDDEN) !== 0) return false
    const coloring = this.#fittingColoring()
    return coloring?.kind !== 'categories' || this.#rankOf(coloring.codes[cell] ?? 0) !== 0
  }

  #rankOf(code: number): number {
    const { missing, missingCode, entries } = this.#table
    return code === missingCode ? missing[3] : (entries[code * 4 + 3] ?? 0)
  }

  /** A colouring of another number of cells belongs to another data set: plain until the right one comes. */
  #fittingColoring(): Coloring | null {
    const coloring = this.#coloring
    const count = coloring?.kind === 'values' ? coloring.cellCount : coloring?.codes.length
    return count === this.cellCount ? coloring : null
  }

  #codes(): Uint8Array | Uint16Array | null {
    const coloring = this.#fittingColoring()
    if (coloring === null) return null
    if (coloring.kind === 'categories') return coloring.codes
    return quantise(coloring.column, coloring.cellCount, this.#quantised)
  }

  /** null where no cell is higher than another: the draw order serves. */
  #ranking(): Uint32Array | null {
    const codes = this.#fittingColoring()?.kind === 'values' ? this.#codes() : null
    if (!(codes instanceof Uint8Array)) return null
    return rankedPlaces(this.#order.deal(codes), (code) => rankOfCode(code, this.#quantised))
  }

  #codesChanged(): void {
    this.#stale.add('codes')
    this.#stale.add('ranking')
  }

  #makeTable(): void {
    const coloring = this.#fittingColoring()
    const { missing, plain } = this.#colors
    if (coloring === null) this.#table = plainTable(plain)
    else if (coloring.kind === 'categories') this.#table = categoryTable(coloring, this.#colors)
    else this.#table = valueTable(coloring, this.#quantised, missing)
    this.#stale.add('table')
  }

  #makeFlags(): void {
    const { hidden, selected, highlights } = this.#sets
    const isEmpty = hidden.length === 0 && selected.length === 0 && highlights.every((cells) => cells.length === 0)
    if (isEmpty && this.#flags === null) return
    this.#flags = isEmpty ? null : (this.#flags ?? new Uint8Array(this.cellCount))
    if (this.#flags !== null) writeFlags(this.#flags, this.#sets)
    this.#stale.add('flags')
  }
}
