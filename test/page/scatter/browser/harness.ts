import type { Coloring } from '../../../../page/scatter/color/coloring.ts'
import { parseColor } from '../../../../page/scatter/color/css-color.ts'
import { Scatter, type ScatterOptions } from '../../../../page/scatter/scatter.ts'
import { embeddingOf } from '../embedding-of.ts'

// What tests call inside the browser: this file and the scatter are bundled into a blank page as `harness`.

export { embeddingOf, parseColor }
export type Color = [number, number, number]

export function canvasOf(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.style.cssText = `display: block; width: ${width}px; height: ${height}px`
  document.body.replaceChildren(canvas)
  return canvas
}

export function categories(
  codes: readonly number[],
  colors: readonly string[],
  hidden: readonly number[] = [],
): Coloring {
  return { kind: 'categories', codes: Uint8Array.from(codes), colors, hidden: new Set(hidden) }
}

export function values(all: readonly number[], range: readonly [number, number], scale = 'viridis'): Coloring {
  const finite = all.filter(Number.isFinite)
  const [min, max] = [Math.min(...finite), Math.max(...finite)]
  const column = {
    kind: 'dense' as const,
    values: Float32Array.from(all),
    min,
    max,
    missingCells: all.length - finite.length,
  }
  return { kind: 'values', column, cellCount: all.length, scale, range }
}

export type Shown = { canvas: HTMLCanvasElement; scatter: Scatter; heard: { cameras: number } }

/** A scatter on a new canvas, 200 x 200 unless told, that draws large points; the one before is disposed of. */
export function show(
  options: { width?: number; height?: number; pointSize?: number | null; theme?: 'light' | 'dark' } = {},
): Shown {
  shown?.scatter.dispose()
  const canvas = canvasOf(options.width ?? 200, options.height ?? 200)
  const heard = { cameras: 0 }
  const hooks: ScatterOptions = {
    theme: options.theme ?? 'light',
    onCamera: () => {
      heard.cameras++
    },
  }
  const scatter = new Scatter(canvas, hooks)
  scatter.setStyle({ pointSize: options.pointSize === undefined ? 10 : options.pointSize })
  shown = { canvas, scatter, heard }
  return shown
}
let shown: Shown | null = null

/** Draw and copy the canvas in the same task. */
export async function picture({ scatter, canvas }: Shown): Promise<ImageData> {
  scatter.requestDraw()
  await scatter.whenDrawn()
  const copy = new OffscreenCanvas(canvas.width, canvas.height)
  const context = copy.getContext('2d')
  if (context === null) throw new Error('no 2D canvas')
  context.drawImage(canvas, 0, 0)
  return context.getImageData(0, 0, canvas.width, canvas.height)
}

/** @returns the colour at each place, in device pixels; outside of the picture is black */
export async function colorsAt(stage: Shown, places: readonly (readonly [number, number])[]): Promise<Color[]> {
  const image = await picture(stage)
  return places.map(([x, y]) => pixel(image, x, y))
}

/** @returns the colour in the middle of each cell */
export async function cellColors(stage: Shown, cells: readonly number[]): Promise<(Color | null)[]> {
  const image = await picture(stage)
  const ratio = stage.canvas.width / stage.canvas.clientWidth
  return cells.map((cell) => {
    const at = stage.scatter.screenPosition(cell)
    return at === null ? null : pixel(image, at[0] * ratio, at[1] * ratio)
  })
}

export function pixel(image: ImageData, x: number, y: number): Color {
  const at = (Math.floor(y) * image.width + Math.floor(x)) * 4
  return [image.data[at] ?? 0, image.data[at + 1] ?? 0, image.data[at + 2] ?? 0]
}

export function countPixels(image: ImageData, [red, green, blue]: Color): number {
  let count = 0
  for (let at = 0; at < image.data.length; at += 4) {
    if (image.data[at] === red && image.data[at + 1] === green && image.data[at + 2] === blue) count++
  }
  return count
}

export function contextOf(canvas: HTMLCanvasElement): WebGL2RenderingContext {
  const gl = canvas.getContext('webgl2')
  if (gl === null) throw new Error('no WebGL2')
  return gl
}

export async function decoded(png: Blob): Promise<ImageData> {
  const bitmap = await createImageBitmap(png)
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
  if (context === null) throw new Error('no 2D canvas')
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, bitmap.width, bitmap.height)
}
