// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.
import type { Embedding } from '../../protocol/column-frame.ts'

/**
 * Cells that follow each other in `obs` are dealt out to so many rounds. A prime, so that rounds of no usual cell count
 * lie a power of two apart in memory, where a processor's cache holds few of them at a time.
 */
const ROUNDS = 251

export type Positions = Pick<Embedding, 'positions' | 'dimensions' | 'missingCells'>

/** Where a cell without a position goes: finite, so that sums stay finite, and far outside of any picture. */
const NOWHERE = 1e6

/**
 * The order in which cells are drawn. Each block of 251 cells that follow each other in `obs` is shuffled over 251
 * rounds, and round is drawn after round. So no category lies on top because it comes last in `obs`, and any number of
 * whole rounds is a fair sample of all cells. It is the same order for the same number of cells, and is not stored:
 * dealing out reads and writes in streams, faster than any shuffle that jumps through main memory.
 */
export class DrawOrder {
  readonly cellCount: number
  readonly #blocks: number
  /** Cells after the last whole block. */
  readonly #rest: number
  /** A shuffle of the rounds and where each round starts, both twice over: no turn of them passes the end. */
  readonly #rounds: Uint8Array
  readonly #starts: Uint32Array

  constructor(cellCount: number) {
    this.cellCount = cellCount
    this.#blocks = Math.floor(cellCount / ROUNDS)
    this.#rest = cellCount % ROUNDS
    const rounds = shuffledRounds(cellCount)
    this.#rounds = Uint8Array.of(...rounds, ...rounds)
    // The first rounds have one cell of the rest each.
    const startOf = (round: number) => round * this.#blocks + Math.min(round, this.#rest)
    this.#starts = Uint32Array.from({ length: 2 * ROUNDS }, (_, at) => startOf(at % ROUNDS))
  }

  /** @returns the largest number of cells up to `wanted` that is whole rounds, at least one; all cells where few exist */
  sampleSize(wanted: number): number {
    if (wanted >= this.cellCount) return this.cellCount
    const rounds = Math.floor(wanted / (this.#blocks + 1))
    return this.#starts[Math.max(1, rounds)] ?? this.cellCount
  }

  /** @param values shape (cellCount,) in the order of `obs` @returns the same in draw order */
  deal(values: Uint8Array): Uint8Array
  deal(values: Uint8Array | Uint16Array): Uint8Array | Uint16Array
  deal(values: Uint8Array | Uint16Array): Uint8Array | Uint16Array {
    const dealt = values instanceof Uint8Array ? new Uint8Array(values.length) : new Uint16Array(values.length)
    const places = new Uint32Array(ROUNDS)
    for (let cell = 0; cell < values.length; cell += ROUNDS) {
      const count = this.#fill(places, cell)
      for (let i = 0; i < count; i++) dealt[places[i] as number] = values[cell + i] as number
    }
    return dealt
  }

  /** @returns positions in draw order, row-major; cells without a position lie far outside of any picture */
  dealPositions({ positions, dimensions, missingCells }: Positions): Float32Array {
    const dealt = new Float32Array(positions.length)
    if (dimensions === 2 && positions.byteOffset % 8 === 0) this.#dealPairs(pairsOf(positions), pairsOf(dealt))
    else this.#dealRows(positions, dealt, dimensions)
    if (missingCells === 0) return dealt
    return dealt.map((value) => (Math.abs(value) < NOWHERE ? value : NOWHERE)) // false for NaN
  }

  /** As `deal`, which is compiled for bytes: a loop that has met both kinds of numbers takes half as long again. */
  #dealPairs(values: Float64Array, dealt: Float64Array): void {
    const places = new Uint32Array(ROUNDS)
    for (let cell = 0; cell < values.length; cell += ROUNDS) {
      const count = this.#fill(places, cell)
      for (let i = 0; i < count; i++) dealt[places[i] as number] = values[cell + i] as number
    }
  }

  #dealRows(values: Float32Array, dealt: Float32Array, width: number): void {
    const places = new Uint32Array(ROUNDS)
    for (let cell = 0; cell < this.cellCount; cell += ROUNDS) {
      const count = this.#fill(places, cell)
      for (let i = 0; i < count; i++) {
        const from = (cell + i) * width
        const to = (places[i] as number) * width
        for (let axis = 0; axis < width; axis++) dealt[to + axis] = values[from + axis] as number
      }
    }
  }

  /** Write the places in draw order of the block that begins with `cell`. @returns how many it has */
  #fill(places: Uint32Array, cell: number): number {
    const block = cell / ROUNDS
    if (block === this.#blocks) return this.#fillRest(places)
    // One shuffle serves all blocks, turned by an angle before it and by another after it.
    const word = mixed(this.cellCount + block)
    const before = word % ROUNDS
    const after = (word >>> 16) % ROUNDS
    const rounds = this.#rounds
    const starts = this.#starts
    for (let i = 0; i < ROUNDS; i++) places[i] = (starts[after + (rounds[before + i] as number)] as number) + block
    return ROUNDS
  }

  /** The last block is short: its cells go to the first rounds. */
  #fillRest(places: Uint32Array): number {
    const some = this.#rounds.subarray(0, this.#rest)
    const sorted = some.toSorted()
    some.forEach((round, i) => {
      places[i] = (this.#starts[sorted.indexOf(round)] as number) + this.#blocks
    })
    return this.#rest
  }
}

/** Two numbers of four bytes as one of eight, which moves in one step. */
function pairsOf({ buffer, byteOffset, length }: Float32Array): Float64Array {
  return new Float64Array(buffer, byteOffset, length / 2)
}

function shuffledRounds(seed: number): Uint8Array {
  const rounds = Uint8Array.from({ length: ROUNDS }, (_, round) => round)
  for (let i = ROUNDS - 1; i > 0; i--) {
    const j = mixed(seed ^ Math.imul(i, 0x9e3779b9)) % (i + 1)
    const round = rounds[i] as number
    rounds[i] = rounds[j] as number
    rounds[j] = round
  }
  return rounds
}

/** 32 bits that look random and follow from the 32 given (the finaliser of MurmurHash3, public domain). */
function mixed(bits: number): number {
  let word = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return (word ^ (word >>> 16)) >>> 0
}
