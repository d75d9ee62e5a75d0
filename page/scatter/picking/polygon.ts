type Point = readonly [number, number]

/** Slabs an edge: more of them leave fewer edges to look at for a point, and take memory. */
const SLABS_PER_EDGE = 4
const MAX_SLABS = 2048

/**
 * A closed polygon that answers for many points whether they lie inside, by the even-odd rule. Its edges are sorted into
 * horizontal slabs, so that a point is compared with the few edges at its height and not with all.
 */
export class Polygon {
  readonly left: number
  readonly right: number
  readonly bottom: number
  readonly top: number
  readonly #slabsPerUnit: number
  /** where each slab's edges start in `#edges` */
  readonly #starts: Uint32Array
  /** five numbers an edge: y from, y to (half open), x and y of its first corner, slope dx/dy */
  readonly #edges: Float64Array

  constructor(points: readonly Point[]) {
    const edges = edgesOf(points)
    const slabs = Math.min(MAX_SLABS, Math.max(1, edges.length * SLABS_PER_EDGE))
    this.left = Math.min(...points.map(([x]) => x))
    this.right = Math.max(...points.map(([x]) => x))
    this.bottom = Math.min(...points.map(([, y]) => y))
    this.top = Math.max(...points.map(([, y]) => y))
    this.#slabsPerUnit = this.top > this.bottom ? slabs / (this.top - this.bottom) : 0
    const bySlab: number[][][] = Array.from({ length: slabs }, () => [])
    for (const edge of edges) {
      const [from = 0, to = 0] = edge
      for (let slab = this.#slabOf(from, slabs); slab <= this.#slabOf(to, slabs); slab++) bySlab[slab]?.push(edge)
    }
    this.#edges = Float64Array.from(bySlab.flat(2))
    this.#starts = new Uint32Array(slabs + 1)
    bySlab.forEach((list, slab) => {
      this.#starts[slab + 1] = (this.#starts[slab] ?? 0) + list.length * 5
    })
  }

  /** False for NaN. */
  contains(x: number, y: number): boolean {
    if (!(x >= this.left && x <= this.right && y >= this.bottom && y <= this.top)) return false
    const slab = this.#slabOf(y, this.#starts.length - 1)
    const edges = this.#edges
    const end = this.#starts[slab + 1] as number // slab is one of the slabs
    let isInside = false
    for (let i = this.#starts[slab] as number; i < end; i += 5) {
      // i + 4 < end: the starts are multiples of five
      if (y < (edges[i] as number) || y >= (edges[i + 1] as number)) continue
      const crossing = (edges[i + 2] as number) + (y - (edges[i + 3] as number)) * (edges[i + 4] as number)
      if (x < crossing) isInside = !isInside
    }
    return isInside
  }

  #slabOf(y: number, slabs: number): number {
    return Math.min(slabs - 1, Math.floor((y - this.bottom) * this.#slabsPerUnit))
  }
}

/** Level edges cross no level line and are left out. */
function edgesOf(points: readonly Point[]): number[][] {
  return points.flatMap((start, i) => {
    const end = points[(i + 1) % points.length] ?? start
    if (start[1] === end[1]) return []
    const slope = (end[0] - start[0]) / (end[1] - start[1])
    return [[Math.min(start[1], end[1]), Math.max(start[1], end[1]), start[0], start[1], slope]]
  })
}
