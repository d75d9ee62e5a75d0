import type { Camera } from '../../protocol/state.ts'
import { clampZoom, homeCamera, type Projection, projectionOf, type Stage } from './projection.ts'

const RADIANS_PER_PIXEL = 0.01

/** The camera and how the hand moves it; distances in CSS pixels. Where it was never moved, it is the embedding's home. */
export class CameraControl {
  readonly #stage: () => Stage
  readonly #moved: (camera: Camera) => void
  #camera: Camera | null = null

  /** @param stage what the camera looks at now @param moved told after each change */
  constructor(stage: () => Stage, moved: (camera: Camera) => void) {
    this.#stage = stage
    this.#moved = moved
  }

  /** A copy. */
  get camera(): Camera {
    const { bounds, dimensions } = this.#stage()
    return structuredClone(this.#camera ?? homeCamera(bounds, dimensions))
  }

  set camera(camera: Camera) {
    this.#camera = { ...structuredClone(camera), zoom: clampZoom(camera.zoom) }
    this.#moved(this.camera)
  }

  get isHome(): boolean {
    return this.#camera === null
  }

  get zoom(): number {
    return this.#camera?.zoom ?? 1
  }

  get projection(): Projection {
    const stage = this.#stage()
    return projectionOf(this.#camera ?? homeCamera(stage.bounds, stage.dimensions), stage)
  }

  reset(): void {
    this.#camera = null
    this.#moved(this.camera)
  }

  /** @param at the pixel that stays where it is; without it the middle */
  zoomBy(factor: number, at?: readonly [number, number]): void {
    const { camera } = this
    const { width, height } = this.#stage()
    const zoom = clampZoom(camera.zoom * factor)
    const [x, y] = at ?? [width / 2, height / 2]
    const kept = 1 - camera.zoom / zoom
    this.camera = { ...camera, zoom, center: this.#centerAfter((x - width / 2) * kept, (y - height / 2) * kept) }
  }

  panBy(dx: number, dy: number): void {
    this.camera = { ...this.camera, center: this.#centerAfter(-dx, -dy) }
  }

  /** Turn as if the hand held the front of the cloud. Does nothing in 2D. */
  orbitBy(dx: number, dy: number): void {
    const { camera } = this
    if (this.#stage().dimensions !== 3) return
    const [azimuth, elevation] = camera.orbit ?? [0, 0]
    const limit = Math.PI / 2
    const tilted = Math.max(-limit, Math.min(limit, elevation + dy * RADIANS_PER_PIXEL))
    this.camera = { ...camera, orbit: [azimuth - dx * RADIANS_PER_PIXEL, tilted] }
  }

  /** The centre, moved on the screen. */
  #centerAfter(dx: number, dy: number): number[] {
    const { center, right, up, pixels } = this.projection
    // Without a size of the canvas there is no scale.
    if (!(pixels > 0)) return this.camera.center
    return this.camera.center.map((_, axis) => {
      const at = axis as 0 | 1 | 2 // a camera has at most three axes
      return center[at] + (dx * right[at] - dy * up[at]) / pixels
    })
  }
}
