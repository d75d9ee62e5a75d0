// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.

const BUCKETS = 256

/**
 * The order in which cells are drawn: a uniform shuffle, the same one for the same count. No category lies on top because
 * it comes last in `obs`, and the first k of it are a fair sample of all cells.
 * @returns shape (cellCount,): the cell to draw at each place
 */
export function drawOrder(cellCount: number): Uint32Array {
  // Rao and Sandelius: deal into random buckets, then shuffle each. Reads and writes stay near each other, which a plain
  // shuffle of 10 million does not.
  const random = randomWords(cellCount)
  const bucketOf = new Uint8Array(cellCount)
  const starts = new Uint32Array(BUCKETS + 1)
  for (let cell = 0; cell < cellCount; cell++) {
    const bucket = random() >>> 24
    bucketOf[cell] = bucket
    starts[bucket + 1] = (starts[bucket + 1] as number) + 1
  }
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    starts[bucket + 1] = (starts[bucket + 1] as number) + (starts[bucket] as number)
  }
  const order = new Uint32Array(cellCount)
  const next = starts.slice(0, BUCKETS)
  for (let cell = 0; cell < cellCount; cell++) {
    const bucket = bucketOf[cell] as number
    const place = next[bucket] as number
    order[place] = cell
    next[bucket] = place + 1
  }
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    shuffle(order.subarray(starts[bucket], starts[bucket + 1]), random)
  }
  return order
}

function shuffle(cells: Uint32Array, random: () => number): void {
  for (let i = cells.length - 1; i > 0; i--) {
    const j = Math.floor(((random() >>> 0) / 2 ** 32) * (i + 1))
    const cell = cells[i] as number
    cells[i] = cells[j] as number
    cells[j] = cell
  }
}

/** A 32-bit generator (mulberry32 by Tommy Ettinger, public domain), seeded by the count alone. */
function randomWords(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return word ^ (word >>> 14)
  }
}
