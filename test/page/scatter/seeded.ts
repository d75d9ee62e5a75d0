/** Numbers from 0 to 1 that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // Numerical Recipes' generator: good enough for places of test points.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Positions from -1 to 1, shape (count, dimensions) row-major; every `missingEvery`th row has no position. */
export function randomPositions(count: number, dimensions: number, seed: number, missingEvery = 0): Float32Array {
  const random = seeded(seed)
  return Float32Array.from({ length: count * dimensions }, (_, i) => {
    const value = random() * 2 - 1
    const isMissing = missingEvery > 0 && Math.floor(i / dimensions) % missingEvery === 0
    return isMissing ? [Number.NaN, Number.POSITIVE_INFINITY][i % 2]! : value
  })
}
