import type { Camera } from '../../protocol/state.ts'

export type Vector = readonly [number, number, number]

/** The box around all cells that have a position. */
export type Bounds = { low: Vector; high: Vector }

/** How positions become CSS pixels on a canvas; the shader and the mouse both go by this. */
export type Projection = {
  width: number
  height: number
  center: Vector
  /** unit vectors of the screen in the coordinates of the cells: right, up, toward the viewer */
  right: Vector
  up: Vector
  toward: Vector
  /** CSS pixels a unit, in the plane of the centre */
  pixels: number
  /** 0 is flat; else the reciprocal of the viewer's distance from the centre, in units */
  perspective: number
}

/** Room around the cells, as a part of the canvas. */
const FIT = 0.92
/** A far viewer: near cells look larger, and no zoom passes through the cloud, whose farthest points are 3.5 apart. */
const PERSPECTIVE = 1 / 5
/** A view from the front, a little to the side and from above. */
const HOME_ORBIT: readonly [number, number] = [0.5, 0.4]
const ZOOM_LIMITS = [0.05, 200_000] as const

export function clampZoom(zoom: number): number {
  return Math.min(ZOOM_LIMITS[1], Math.max(ZOOM_LIMITS[0], zoom))
}

const boxes = new WeakMap<Float32Array, Bounds>()

/** @param positions shape (n, dimensions) row-major, measured once; what is no finite number is left out */
export function boundsOf(positions: Float32Array, dimensions: number): Bounds {
  const box = boxes.get(positions) ?? measured(positions, dimensions)
  boxes.set(positions, box)
  return box
}

/** Numbers looked at in one call, whole cells of 2 or 3 axes: what is called often is compiled long before one long loop. */
const PART = 1536

const FAR = Number.POSITIVE_INFINITY

type Box = Record<'low' | 'high', [number, number, number]>

function measured(positions: Float32Array, dimensions: number): Bounds {
  const box: Box = { low: [FAR, FAR, FAR], high: [-FAR, -FAR, -FAR] }
  const { low, high } = box
  for (let start = 0; start < positions.length; start += PART) {
    widen(box, positions.subarray(start, start + PART), dimensions)
  }
  // Comparisons pass over NaN; infinities are rare and cost a second look.
  if (low.includes(-FAR) || high.includes(FAR)) {
    const finite = positions.map((value) => value + (value - value)) // NaN of an infinity
    return measured(finite, dimensions)
  }
  for (let axis = 0; axis < 3; axis++) {
    // No cell has a place on it.
    if ((low[axis] as number) > (high[axis] as number)) low[axis] = high[axis] = 0
  }
  return box
}

function widen({ low, high }: Box, part: Float32Array, dimensions: number): void {
  for (let axis = 0; axis < dimensions; axis++) {
    let least = low[axis] as number
    let most = high[axis] as number
    for (let i = axis; i < part.length; i += dimensions) {
      const value = part[i] as number // i < length
      if (value < least) least = value
      if (value > most) most = value
    }
    low[axis] = least
    high[axis] = most
  }
}

/** The camera that shows all cells. */
export function homeCamera(bounds: Bounds, dimensions: number): Camera {
  const center = bounds.low.map((low, axis) => (low + (bounds.high[axis] ?? 0)) / 2)
  return dimensions === 3 ? { center, zoom: 1, orbit: [...HOME_ORBIT] } : { center: center.slice(0, 2), zoom: 1 }
}

/** What an embedding is to a camera. */
export type EmbeddingStage = { bounds: Bounds; dimensions: number; yDown: boolean }

export type Stage = EmbeddingStage & { width: number; height: number }

export function projectionOf(camera: Camera, stage: Stage): Projection {
  const { width, height } = stage
  const pixels = fittingScale(stage) * camera.zoom
  const center: Vector = [camera.center[0] ?? 0, camera.center[1] ?? 0, camera.center[2] ?? 0]
  if (stage.dimensions === 3) {
    return { width, height, center, pixels, perspective: PERSPECTIVE, ...orbitAxes(camera.orbit ?? HOME_ORBIT) }
  }
  const up: Vector = [0, stage.yDown ? -1 : 1, 0]
  return { width, height, center, pixels, perspective: 0, right: [1, 0, 0], up, toward: [0, 0, 1] }
}

/** CSS pixels a unit at zoom 1. */
function fittingScale({ width, height, bounds, dimensions }: Stage): number {
  const size = bounds.low.map((low, axis) => (bounds.high[axis] ?? 0) - low)
  const [x = 0, y = 0] = dimensions === 3 ? [Math.hypot(...size) * 0.8, Math.hypot(...size) * 0.8] : size
  const scale = Math.min(x > 0 ? width / x : Number.POSITIVE_INFINITY, y > 0 ? height / y : Number.POSITIVE_INFINITY)
  // One cell, or all in one place: any scale shows it.
  return FIT * (Number.isFinite(scale) ? scale : Math.min(width, height) / 2)
}

/** At elevation 90° the viewer looks down the third axis, at 0° along the horizon of the first two. */
function orbitAxes([azimuth, elevation]: readonly [number, number]): Pick<Projection, 'right' | 'up' | 'toward'> {
  const [sa, ca] = [Math.sin(azimuth), Math.cos(azimuth)]
  const [se, ce] = [Math.sin(elevation), Math.cos(elevation)]
  return { right: [ca, sa, 0], up: [-se * sa, se * ca, ce], toward: [ce * sa, -ce * ca, se] }
}

/** @returns CSS pixels and the height toward the viewer in units */
export function project(projection: Projection, x: number, y: number, z: number): [number, number, number] {
  const { center, right, up, toward, pixels, perspective } = projection
  const dx = x - center[0]
  const dy = y - center[1]
  const dz = z - center[2]
  const height = dx * toward[0] + dy * toward[1] + dz * toward[2]
  const scale = pixels / (1 - perspective * height)
  return [
    projection.width / 2 + (dx * right[0] + dy * right[1] + dz * right[2]) * scale,
    projection.height / 2 - (dx * up[0] + dy * up[1] + dz * up[2]) * scale,
    height,
  ]
}

/** The point under a CSS pixel, in the plane of the centre. */
export function unproject(projection: Projection, x: number, y: number): Vector {
  const across = (x - projection.width / 2) / projection.pixels
  const above = (projection.height / 2 - y) / projection.pixels
  const at = (axis: 0 | 1 | 2) =>
    projection.center[axis] + across * projection.right[axis] + above * projection.up[axis]
  return [at(0), at(1), at(2)]
}
