import type { Embedding } from '../../protocol/column-frame.ts'
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

/** Zeros on axes that an embedding does not have, and where there is none. */
export function boundsOf(embedding: Pick<Embedding, 'low' | 'high'> | null): Bounds {
  const vector = ([x = 0, y = 0, z = 0]: readonly number[] = []): Vector => [x, y, z]
  return { low: vector(embedding?.low), high: vector(embedding?.high) }
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
