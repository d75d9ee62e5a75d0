import type { Measure, PlacedLabel } from './export/picture-layout.ts'

/** A name and the point of the embedding it belongs to, e.g. a row of `categoryCenters`. */
export type Label = { text: string; at: readonly [number, number, number] }

/** CSS pixels; the height of a line with its halo. */
const HEIGHT = 16
const SPACE = 4

/**
 * Put names where their points are on the screen, whole. A name that would lie over an earlier one, or whose point is
 * outside, is left out: so give the most important ones first.
 */
export function placeLabels(
  labels: readonly Label[],
  screen: { width: number; height: number; project(at: readonly [number, number, number]): readonly [number, number] },
  measure: Measure,
): PlacedLabel[] {
  const boxes: { left: number; right: number; y: number }[] = []
  return labels.flatMap(({ text, at }) => {
    const [middle, y] = screen.project(at)
    // False for the NaN of a category without cells.
    if (!(middle >= 0 && middle <= screen.width && y >= 0 && y <= screen.height)) return []
    const half = measure(text, 'label') / 2 + SPACE
    const x = Math.max(half, Math.min(screen.width - half, middle))
    const box = { left: x - half, right: x + half, y }
    const isFree = boxes.every(
      (other) => box.left > other.right || box.right < other.left || Math.abs(other.y - y) > HEIGHT,
    )
    if (!isFree) return []
    boxes.push(box)
    return [{ text, x, y }]
  })
}
