import { type Block, eachStored } from './block.ts'

/** Which group a cell is in; 0 is neither. */
export const GROUP_A = 1
export const GROUP_B = 2

/** What Welch's test needs of one gene in one group. */
export type Moments = { mean: number; variance: number; expressing: number }

/**
 * Sums over what is stored, gene by gene and group by group, in one pass. Each gene's first value in a group is taken
 * from the others before they are squared: of values that lie close together the squares would lose the difference.
 */
export class GeneSums {
  readonly #codes: Uint8Array
  readonly #first: Float64Array
  readonly #sums: Float64Array
  readonly #squares: Float64Array
  readonly #counts: Float64Array
  readonly #missing: Uint8Array
  #isWhole = true
  #hasNegative = false

  /** @param codes the group of each cell */
  constructor(codes: Uint8Array, genes: number) {
    this.#codes = codes
    this.#first = new Float64Array(genes * 2)
    this.#sums = new Float64Array(genes * 2)
    this.#squares = new Float64Array(genes * 2)
    this.#counts = new Float64Array(genes * 2)
    this.#missing = new Uint8Array(genes)
  }

  /** Whether all values are whole and none is negative, as counts are. */
  get looksLikeCounts(): boolean {
    return this.#isWhole && !this.#hasNegative
  }

  get hasNegative(): boolean {
    return this.#hasNegative
  }

  /** Genes with NaN in a cell of the groups. */
  isMissing(gene: number): boolean {
    return this.#missing[gene] === 1
  }

  /** How many values of a gene are not zero in each group: place `gene * 2` of A, the next of B. */
  get counts(): Float64Array {
    return this.#counts
  }

  add(block: Block): void {
    const codes = this.#codes
    const first = this.#first
    const sums = this.#sums
    const squares = this.#squares
    const counts = this.#counts
    let isWhole = this.#isWhole
    let hasNegative = this.#hasNegative
    eachStored(block, codes, (cell, gene, value) => {
      const place = gene * 2 + (codes[cell] ?? 0) - GROUP_A
      const count = counts[place] ?? 0
      counts[place] = count + 1
      if (count === 0) first[place] = value
      else {
        const x = value - (first[place] ?? 0)
        sums[place] = (sums[place] ?? 0) + x
        squares[place] = (squares[place] ?? 0) + x * x
      }
      if (value < 0) hasNegative = true
      if (isWhole && !Number.isInteger(value)) isWhole = false
      if (Number.isNaN(value)) this.#missing[gene] = 1
    })
    this.#isWhole = isWhole
    this.#hasNegative = hasNegative
  }

  /** @param cells how many the group has */
  moments(gene: number, group: typeof GROUP_A | typeof GROUP_B, cells: number): Moments {
    const place = gene * 2 + group - GROUP_A
    const count = this.#counts[place] ?? 0
    if (count === 0) return { mean: 0, variance: 0, expressing: 0 }
    const first = this.#first[place] ?? 0
    const sum = this.#sums[place] ?? 0
    const ofStored = first + sum / count
    // The first value's own share is 0, unless it has none: NaN and infinity less themselves are NaN.
    const within = Number.isFinite(first) ? Math.max(0, (this.#squares[place] ?? 0) - (sum * sum) / count) : Number.NaN
    const squares = within + (ofStored * ofStored * count * (cells - count)) / cells
    return { mean: (ofStored * count) / cells, variance: squares / (cells - 1), expressing: count / cells }
  }
}
