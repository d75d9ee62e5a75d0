/** What the user set; `null` is automatic. */
export type PointStyle = { pointSize: number | null; opacity: number | null }

/** Diameters in CSS pixels. Under 1 px a point flickers while it moves; over 9 px few cells hide each other. */
const AUTOMATIC_LIMITS = [1.25, 9] as const
/** Closer up, points grow more slowly than the distances between them: detail comes apart. */
const LARGEST_ZOOMED = 14
/** Points of this part of the canvas, spread evenly, would leave a third of it free where an embedding usually lies. */
const COVERAGE = 0.45
/** A selected cell is never lost in a crowd of dots (https://github.com/chanzuckerberg/cellxgene/issues/1475). */
export const SMALLEST_SELECTED = 2

/** @returns diameter of a point in CSS pixels */
export function pointDiameter(
  style: PointStyle,
  view: { cellCount: number; width: number; height: number; zoom: number },
): number {
  if (style.pointSize !== null) return Math.max(1, style.pointSize)
  const even = COVERAGE * Math.sqrt((view.width * view.height) / Math.max(1, view.cellCount))
  const atHome = Math.min(AUTOMATIC_LIMITS[1], Math.max(AUTOMATIC_LIMITS[0], even))
  return view.zoom <= 1 ? atHome : Math.max(atHome, Math.min(LARGEST_ZOOMED, atHome * Math.sqrt(view.zoom)))
}

/** Opaque unless set: colours are then exactly the legend's, and high values lie on top without sorting. */
export function pointOpacity(style: PointStyle): number {
  return style.opacity === null ? 1 : Math.min(1, Math.max(0.02, style.opacity))
}
