// Loops here run over every cell; their indices stay within the arrays' lengths, which is why `as number` holds.

const CODES = 256

/**
 * Sort places by their codes' ranks, a counting sort: for pictures whose order the depth test cannot make.
 * @param codes one a place, shape (n,)
 * @param rankOf 0 to 255 for each of the 256 codes
 * @returns the places, lowest rank first; equal ranks stay in order
 */
export function rankedPlaces(codes: Uint8Array, rankOf: (code: number) => number): Uint32Array {
  const ranks = Uint8Array.from({ length: CODES }, (_, code) => rankOf(code))
  const next = new Uint32Array(CODES + 1)
  for (let place = 0; place < codes.length; place++) {
    const rank = ranks[codes[place] as number] as number
    next[rank + 1] = (next[rank + 1] as number) + 1
  }
  for (let rank = 0; rank < CODES; rank++) next[rank + 1] = (next[rank + 1] as number) + (next[rank] as number)
  const places = new Uint32Array(codes.length)
  for (let place = 0; place < codes.length; place++) {
    const rank = ranks[codes[place] as number] as number
    const at = next[rank] as number
    places[at] = place
    next[rank] = at + 1
  }
  return places
}
