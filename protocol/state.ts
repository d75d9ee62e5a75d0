import * as v from 'valibot'
import { matrixSchema } from './matrix.ts'

/** What colours the cells: an obs field, or a gene as one matrix has it. */
export const colorBySchema = v.variant('axis', [
  v.object({ axis: v.literal('obs'), key: v.string() }),
  v.object({ axis: v.literal('var'), key: v.string(), matrix: matrixSchema }),
])
export type ColorBy = v.InferOutput<typeof colorBySchema>

/** What part of the picture is seen, in the normalised coordinates of the embedding. */
export const cameraSchema = v.object({
  /** The point at the middle of the canvas: x, y(, z). */
  center: v.array(v.number()),
  /** 1 fits the embedding; 2 shows half of it. */
  zoom: v.number(),
  /** Orbit in 3D: azimuth and elevation in radians. */
  orbit: v.optional(v.tuple([v.number(), v.number()])),
})
export type Camera = v.InferOutput<typeof cameraSchema>

/**
 * A page's last state but for its sets of cells, kept by the server and copied by the kernel, so that reload, second
 * tab, restart and change of transport are one mechanism. Loose: a newer page may keep fields of its own.
 */
export const pageStateSchema = v.looseObject({
  embedding: v.optional(v.nullable(v.string())),
  dimensions: v.optional(v.number()),
  color: v.optional(v.nullable(colorBySchema)),
  camera: v.optional(v.nullable(cameraSchema)),
  /** obs key → names of its categories that the legend hides. */
  hiddenCategories: v.optional(v.record(v.string(), v.array(v.string()))),
})
export type PageState = v.InferOutput<typeof pageStateSchema>

/** At most this much JSON is one page's state. */
export const MAX_STATE_BYTES = 256 << 10

/**
 * The names of the sets of cells that are part of a viewer's state. `selection` and `hidden` are one each;
 * highlights are one per colour (`highlight/#ff0000`), named groups one per name (`group/my cells`).
 */
export const SELECTION = 'selection'
export const HIDDEN = 'hidden'
export const highlightSet = (color: string) => `highlight/${color}`
